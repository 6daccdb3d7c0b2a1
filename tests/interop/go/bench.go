package main

// The go-libp2p side of bench/libp2p.py: the same measurements, as a ceiling. The stream protocol is described in
// bench/peers/py_peer.py.

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	benchProtocol = protocol.ID("/bench/1")
	messageBytes  = 100
	chunkBytes    = 65_536
)

func bench(h host.Host, arguments []string) error {
	h.SetStreamHandler(benchProtocol, func(s network.Stream) {
		if err := serveBench(s); err != nil {
			_ = s.Reset()
		}
	})
	if arguments[0] == "listen" {
		listen(h)
		return nil
	}
	counts := make([]int, 4)
	for i, text := range arguments[2:6] {
		count, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		counts[i] = count
	}
	return measure(h, arguments[1], counts[0], counts[1], counts[2], counts[3])
}

func serveBench(s network.Stream) error {
	buffer := make([]byte, chunkBytes)
	for {
		if _, err := io.ReadFull(s, buffer[:9]); err != nil {
			return err
		}
		kind, total := buffer[0], int64(binary.BigEndian.Uint64(buffer[1:9]))
		source := io.LimitReader(s, total)
		var err error
		switch kind {
		case 'e':
			_, err = io.CopyBuffer(s, source, buffer)
		case 'm':
			message := make([]byte, messageBytes)
			for left := total; left > 0 && err == nil; {
				count, failed := source.Read(buffer)
				for at := 0; at+messageBytes <= count; at += messageBytes {
					copy(message, buffer[at:])
				}
				left, err = left-int64(count), failed
			}
		default:
			_, err = io.CopyBuffer(io.Discard, source, buffer)
		}
		if err != nil && err != io.EOF {
			return err
		}
		if kind != 'e' {
			if _, err := s.Write(make([]byte, 8)); err != nil {
				return err
			}
		}
	}
}

func head(kind byte, total int) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, uint64(total))
}

func measure(h host.Host, address string, connects, echoes, messages, chunks int) error {
	ctx := context.Background()
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	times := make([]time.Duration, 0, connects)
	for range connects {
		_ = h.Network().ClosePeer(info.ID)
		started := time.Now()
		if err := h.Connect(ctx, *info); err != nil {
			return err
		}
		times = append(times, time.Since(started))
	}
	fmt.Println("connect_ms", median(times).Seconds()*1e3)
	s, err := h.NewStream(ctx, info.ID, benchProtocol)
	if err != nil {
		return err
	}
	payload := bytes.Repeat([]byte{7}, messageBytes)
	if _, err := s.Write(head('e', echoes*messageBytes)); err != nil {
		return err
	}
	times = times[:0]
	answer := make([]byte, messageBytes)
	for range echoes {
		started := time.Now()
		if err := exchange(s, payload, answer); err != nil {
			return err
		}
		times = append(times, time.Since(started))
	}
	fmt.Println("rtt_us", median(times).Seconds()*1e6)
	for _, figure := range []struct {
		name   string
		kind   byte
		chunk  int
		writes int
		scale  float64
	}{
		{"sends_ks", 'm', messageBytes, messages / 10, 1e3 * messageBytes},
		{"messages_ks", 'm', chunkBytes / messageBytes * messageBytes, messages * messageBytes / chunkBytes, 1e3 * messageBytes},
		{"megabytes_s", 's', chunkBytes, chunks, 1e6},
	} {
		chunk := make([]byte, figure.chunk)
		total := figure.chunk * figure.writes
		started := time.Now()
		if _, err := s.Write(head(figure.kind, total)); err != nil {
			return err
		}
		for range figure.writes {
			if _, err := s.Write(chunk); err != nil {
				return err
			}
		}
		if _, err := io.ReadFull(s, make([]byte, 8)); err != nil {
			return err
		}
		fmt.Println(figure.name, float64(total)/figure.scale/time.Since(started).Seconds())
	}
	return nil
}

func exchange(s network.Stream, payload, answer []byte) error {
	if _, err := s.Write(payload); err != nil {
		return err
	}
	_, err := io.ReadFull(s, answer)
	return err
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
