// A go-libp2p peer for the interoperability tests.
//
//	peer listen [KEYFILE]  serves the interop protocols; prints its address, then one line per connection that identify told about
//	peer key TYPE KEYFILE  makes an identity of type 0 to 3 (RSA, Ed25519, Secp256k1, ECDSA); prints its peer id
//	peer dial MULTIADDR    runs every case against that address; prints "CASE name ok|FAIL detail"
//	peer wire MULTIADDR PROTOCOL MAGIC HASH   fetches a block from a node; prints "BLOCK size hash"
//	peer kad PREFIX server|client [WIRE MAGIC]   go-libp2p-kad-dht, as a stranger or as a node; reads "connect MULTIADDR" and "find PEER_ID"
//	peer bench listen | peer bench dial MULTIADDR COUNTS...   the measurements of bench/libp2p.py
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

const (
	echoProtocol  = protocol.ID("/interop/echo/1")  // echoes until the end
	countProtocol = protocol.ID("/interop/count/1") // reads to the end, then answers with the SHA-256
	resetProtocol = protocol.ID("/interop/reset/1") // resets at the first byte
	holdProtocol  = protocol.ID("/interop/hold/1")  // answers one byte, then waits for the end
	echoBytes     = 20 << 20
	streamsTried  = 48
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: peer listen | peer dial MULTIADDR")
		os.Exit(2)
	}
	if os.Args[1] == "key" {
		makeKey(os.Args[2], os.Args[3])
		return
	}
	h, err := libp2p.New(
		identity(),
		libp2p.NoTransports, libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New), libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.UserAgent("interop-go/1"), libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}),
	)
	if err != nil {
		panic(err)
	}
	defer h.Close()
	serve(h)
	switch os.Args[1] {
	case "listen":
		listen(h)
	case "dial":
		dial(h, os.Args[2])
	case "bench":
		if err := bench(h, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "kad":
		if err := kad(h, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "wire":
		if err := fetchBlock(h, os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func makeKey(kind, file string) {
	number, err := strconv.Atoi(kind)
	if err != nil {
		panic(err)
	}
	private, public, err := crypto.GenerateKeyPair(number, 2048)
	if err != nil {
		panic(err)
	}
	encoded, err := crypto.MarshalPrivateKey(private)
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		panic(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		panic(err)
	}
	fmt.Println(id)
}

func identity() libp2p.Option {
	if os.Args[1] != "listen" || len(os.Args) < 3 {
		return libp2p.RandomIdentity
	}
	encoded, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	private, err := crypto.UnmarshalPrivateKey(encoded)
	if err != nil {
		panic(err)
	}
	return libp2p.Identity(private)
}

func serve(h host.Host) {
	h.SetStreamHandler(echoProtocol, func(s network.Stream) {
		if _, err := io.Copy(s, s); err != nil {
			_ = s.Reset()
			return
		}
		_ = s.Close()
	})
	h.SetStreamHandler(countProtocol, func(s network.Stream) {
		digest := sha256.New()
		if _, err := io.Copy(digest, s); err != nil {
			_ = s.Reset()
			return
		}
		_, _ = s.Write(digest.Sum(nil))
		_ = s.Close()
	})
	h.SetStreamHandler(resetProtocol, func(s network.Stream) {
		_, _ = s.Read(make([]byte, 1))
		_ = s.Reset()
	})
	h.SetStreamHandler(holdProtocol, func(s network.Stream) {
		_, _ = s.Write([]byte{1})
		_, _ = io.Copy(io.Discard, s)
		_ = s.Close()
	})
}

func listen(h host.Host) {
	identified, err := h.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		panic(err)
	}
	fmt.Printf("LISTENING %s/p2p/%s\n", h.Addrs()[0], h.ID())
	go func() {
		for found := range identified.Out() {
			e := found.(event.EvtPeerIdentificationCompleted)
			fmt.Printf("IDENTIFIED %s %s\n", e.Peer, e.AgentVersion)
		}
	}()
	// The parent closes our standard input to end us.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func dial(h host.Host, address string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		panic(err)
	}
	run := func(name string, check func() error) {
		start := time.Now()
		if err := check(); err != nil {
			fmt.Printf("CASE %s FAIL %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
			return
		}
		fmt.Printf("CASE %s ok %.3fs\n", name, time.Since(start).Seconds())
	}
	run("wrong-peer", func() error { return dialWrongPeer(ctx, h, *info) })
	run("handshake", func() error { return h.Connect(ctx, *info) })
	run("identify", func() error { return checkIdentify(h, info.ID) })
	run("ping", func() error { return (<-ping.Ping(ctx, h, info.ID)).Error })
	run("echo", func() error { return checkEcho(ctx, h, info.ID) })
	run("half-close", func() error { return checkCount(ctx, h, info.ID) })
	run("reset", func() error { return checkReset(ctx, h, info.ID) })
	run("refused", func() error { return checkRefused(ctx, h, info.ID) })
	run("stream-limit", func() error { return checkStreamLimit(ctx, h, info.ID) })
}

func dialWrongPeer(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	other, err := peer.Decode("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")
	if err != nil {
		return err
	}
	if err := h.Connect(ctx, peer.AddrInfo{ID: other, Addrs: info.Addrs}); err == nil {
		return errors.New("connected to a peer with another id")
	}
	return nil
}

func checkIdentify(h host.Host, id peer.ID) error {
	agent, err := h.Peerstore().Get(id, "AgentVersion")
	if err != nil {
		return err
	}
	if agent != "minicoin-interop/1" {
		return fmt.Errorf("agent version %v", agent)
	}
	supported, err := h.Peerstore().SupportsProtocols(id, echoProtocol, ping.ID)
	if err != nil {
		return err
	}
	if len(supported) != 2 {
		return fmt.Errorf("supported protocols: %v", supported)
	}
	return nil
}

func checkEcho(ctx context.Context, h host.Host, id peer.ID) error {
	s, err := h.NewStream(ctx, id, echoProtocol)
	if err != nil {
		return err
	}
	sent, received := sha256.New(), sha256.New()
	failed := make(chan error, 1)
	go func() {
		chunk := make([]byte, 64<<10)
		for left := echoBytes; left > 0; left -= len(chunk) {
			_, _ = rand.Read(chunk)
			sent.Write(chunk)
			if _, err := s.Write(chunk); err != nil {
				failed <- err
				return
			}
		}
		failed <- s.CloseWrite()
	}()
	count, err := io.Copy(received, s)
	if err != nil {
		return err
	}
	if err := <-failed; err != nil {
		return err
	}
	if count != echoBytes || !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
		return fmt.Errorf("%d bytes came back, digest %s", count, hex.EncodeToString(received.Sum(nil)))
	}
	return s.Close()
}

func checkCount(ctx context.Context, h host.Host, id peer.ID) error {
	s, err := h.NewStream(ctx, id, countProtocol)
	if err != nil {
		return err
	}
	payload := bytes.Repeat([]byte("half-close "), 100_000)
	if _, err := s.Write(payload); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	if digest := sha256.Sum256(payload); !bytes.Equal(answer, digest[:]) {
		return fmt.Errorf("answer of %d bytes", len(answer))
	}
	return s.Close()
}

func checkReset(ctx context.Context, h host.Host, id peer.ID) error {
	s, err := h.NewStream(ctx, id, resetProtocol)
	if err != nil {
		return err
	}
	if _, err := s.Write([]byte{1}); err != nil {
		return err
	}
	_, err = s.Read(make([]byte, 1))
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("the stream was not reset: %v", err)
	}
	return nil
}

func checkRefused(ctx context.Context, h host.Host, id peer.ID) error {
	if s, err := h.NewStream(ctx, id, "/interop/unknown/1"); err == nil {
		_ = s.Reset()
		return errors.New("an unknown protocol was accepted")
	}
	return nil
}

func checkStreamLimit(ctx context.Context, h host.Host, id peer.ID) error {
	open := 0
	for range streamsTried {
		s, err := h.NewStream(ctx, id, holdProtocol)
		if err != nil {
			continue
		}
		_ = s.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.ReadFull(s, make([]byte, 1)); err == nil {
			open++
			defer s.Close()
		}
	}
	if open == 0 || open >= streamsTried {
		return fmt.Errorf("%d of %d streams open", open, streamsTried)
	}
	if result := <-ping.Ping(ctx, h, id); result.Error == nil {
		return nil
	}
	// With every place taken the ping's own stream is refused too; the connection must live.
	if h.Network().Connectedness(id) != network.Connected {
		return errors.New("the connection did not survive the limit")
	}
	return nil
}
