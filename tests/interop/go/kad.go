package main

// go-libp2p-kad-dht under a network's own protocol id: as a stranger that speaks nothing else, and as a node of the
// network, which speaks the wire and answers its questions by what the DHT answers.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/proto"
)

const kadFindTimeout = 30 * time.Second

// The messages of a node of this network model, all in version 1.
var kadMessages = []string{"kadhello", "kadask", "kadanswer", "kadcast", "pull", "pulled"}

// dhtHost hands out the handler that the DHT sets for its streams.
type dhtHost struct {
	host.Host
	handler network.StreamHandler
}

func (h *dhtHost) SetStreamHandler(id protocol.ID, handler network.StreamHandler) {
	h.handler = handler
	h.Host.SetStreamHandler(id, handler)
}

// question is a stream from the same peer that carries one question, and takes the answer.
type question struct {
	network.Stream
	in  io.Reader
	out bytes.Buffer
}

func (q *question) Read(p []byte) (int, error)  { return q.in.Read(p) }
func (q *question) Write(p []byte) (int, error) { return q.out.Write(p) }
func (q *question) Close() error                { return nil }
func (q *question) Reset() error                { q.out.Reset(); return nil }

// kadNode is the program as a node; without a wire it is a stranger.
type kadNode struct {
	dht     *dht.IpfsDHT
	host    *dhtHost
	wire    protocol.ID
	magic   []byte
	server  bool
	printer sync.Mutex
}

func (n *kadNode) print(words ...any) {
	n.printer.Lock()
	defer n.printer.Unlock()
	fmt.Println(words...)
}

// kad PREFIX server|client [WIRE MAGIC]: commands come on the standard input, one a line; its end ends the program.
func kad(h host.Host, arguments []string) error {
	n := &kadNode{host: &dhtHost{Host: h}, server: arguments[1] == "server"}
	mode := dht.ModeClient
	if n.server {
		mode = dht.ModeServer
	}
	made, err := dht.New(n.host, dht.ProtocolPrefix(protocol.ID(arguments[0])), dht.Mode(mode))
	if err != nil {
		return err
	}
	defer made.Close()
	n.dht = made
	made.RoutingTable().PeerAdded = wrap(made.RoutingTable().PeerAdded, func(id peer.ID) { n.print("TABLE", id) })
	if len(arguments) > 2 {
		n.wire = protocol.ID(arguments[2])
		if n.magic, err = hex.DecodeString(arguments[3]); err != nil {
			return err
		}
		h.SetStreamHandler(n.wire, func(s network.Stream) { n.speak(s) })
	}
	n.print("LISTENING", fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID()))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		var err error
		switch {
		case len(words) == 2 && words[0] == "connect":
			err = n.connect(words[1])
		case len(words) == 2 && words[0] == "find":
			err = n.find(words[1])
		case len(words) == 2 && words[0] == "provide":
			err = n.provide(words[1])
		case len(words) == 2 && words[0] == "providers":
			err = n.providers(words[1])
		default:
			err = errors.New("connect MULTIADDR, find PEER_ID, provide NAME, or providers NAME")
		}
		if err != nil {
			n.print("FAILED", strings.ReplaceAll(err.Error(), "\n", " "))
		}
	}
	return nil
}

func wrap(first, then func(peer.ID)) func(peer.ID) {
	return func(id peer.ID) { first(id); then(id) }
}

func (n *kadNode) connect(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), kadFindTimeout)
	defer cancel()
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	if err := n.host.Connect(ctx, *info); err != nil {
		return err
	}
	if n.wire != "" {
		s, err := n.host.NewStream(ctx, info.ID, n.wire)
		if err != nil {
			return err
		}
		go n.speak(s)
	}
	spoken, err := n.host.Peerstore().GetProtocols(info.ID)
	if err != nil {
		return err
	}
	n.print("CONNECTED", info.ID, spoken)
	return nil
}

func (n *kadNode) find(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), kadFindTimeout)
	defer cancel()
	id, err := peer.Decode(name)
	if err != nil {
		return err
	}
	found, err := n.dht.FindPeer(ctx, id)
	if err != nil {
		return err
	}
	n.print("FOUND", found.ID, found.Addrs)
	return nil
}

func contentOf(name string) (cid.Cid, error) {
	hash, err := multihash.Sum([]byte(name), multihash.SHA2_256, -1)
	return cid.NewCidV1(cid.Raw, hash), err
}

func (n *kadNode) provide(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), kadFindTimeout)
	defer cancel()
	content, err := contentOf(name)
	if err != nil {
		return err
	}
	if err := n.dht.Provide(ctx, content, true); err != nil {
		return err
	}
	n.print("PROVIDES", name)
	return nil
}

func (n *kadNode) providers(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), kadFindTimeout)
	defer cancel()
	content, err := contentOf(name)
	if err != nil {
		return err
	}
	found, err := n.dht.FindProviders(ctx, content)
	if err != nil {
		return err
	}
	n.print("PROVIDERS", name, found)
	return nil
}

// speak is a connection of the network, whoever dialled it.
func (n *kadNode) speak(s network.Stream) {
	defer s.Reset()
	reader := bufio.NewReader(s)
	err := writeFrame(s, n.magic, "version", versionPayload())
	for err == nil {
		var command string
		var payload []byte
		if command, payload, err = readFrame(reader, n.magic); err == nil {
			err = n.take(s, command, payload)
		}
	}
}

func (n *kadNode) take(s network.Stream, command string, payload []byte) error {
	switch command {
	case "version":
		return writeFrame(s, n.magic, "verack", nil)
	case "verack":
		return writeFrame(s, n.magic, "extensions", offerPayload())
	case "extensions":
		return writeFrame(s, n.magic, "kadhello", n.helloPayload())
	case "ping":
		return writeFrame(s, n.magic, "pong", payload)
	case "getheaders":
		return writeFrame(s, n.magic, "headers", []byte{0})
	case "pull":
		// The nonce, that there is no more, and the place in a mempool that is empty.
		return writeFrame(s, n.magic, "pulled", append(append([]byte{}, payload[:8]...), make([]byte, 9)...))
	case "kadask":
		return n.answer(s, payload)
	}
	return nil
}

func offerPayload() []byte {
	payload := []byte{byte(len(kadMessages))}
	for _, command := range kadMessages {
		payload = append(payload, append([]byte(command), make([]byte, 12-len(command))...)...)
		payload = binary.LittleEndian.AppendUint32(payload, 1)
	}
	return payload
}

func (n *kadNode) helloPayload() []byte {
	if !n.server {
		return []byte{0, 0, 0}
	}
	text, err := n.host.Addrs()[0].ValueForProtocol(ma.P_TCP)
	if err != nil {
		panic(err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		panic(err)
	}
	return binary.LittleEndian.AppendUint16([]byte{1}, uint16(port))
}

// answer lets the DHT's own handler answer a question; a client has none.
func (n *kadNode) answer(s network.Stream, payload []byte) error {
	if n.host.handler == nil || len(payload) < 4 {
		return nil
	}
	number, asked := payload[:4], payload[4:]
	q := &question{Stream: s, in: bytes.NewReader(append(binary.AppendUvarint(nil, uint64(len(asked))), asked...))}
	n.host.handler(q)
	length, at := binary.Uvarint(q.out.Bytes())
	if at <= 0 || int(length) != q.out.Len()-at {
		return nil
	}
	var read pb.Message
	if err := proto.Unmarshal(asked, &read); err != nil {
		return err
	}
	n.print("ANSWERED", read.GetType(), s.Conn().RemotePeer())
	return writeFrame(s, n.magic, "kadanswer", append(append([]byte{}, number...), q.out.Bytes()[at:]...))
}
