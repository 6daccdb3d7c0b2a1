package main

// A node's wire frames over libp2p: version, verack, and one block.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const blockWithWitness = 0x40000002

func doubleHash(data []byte) []byte {
	first := sha256.Sum256(data)
	second := sha256.Sum256(first[:])
	return second[:]
}

func writeFrame(w io.Writer, magic []byte, command string, payload []byte) error {
	frame := append(slices.Clone(magic), make([]byte, 12)...)
	copy(frame[4:], command)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(payload)))
	frame = append(frame, doubleHash(payload)[:4]...)
	_, err := w.Write(append(frame, payload...))
	return err
}

func readFrame(r io.Reader, magic []byte) (string, []byte, error) {
	header := make([]byte, 24)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", nil, err
	}
	if !bytes.Equal(header[:4], magic) {
		return "", nil, errors.New("another magic")
	}
	payload := make([]byte, binary.LittleEndian.Uint32(header[16:]))
	if _, err := io.ReadFull(r, payload); err != nil {
		return "", nil, err
	}
	if !bytes.Equal(doubleHash(payload)[:4], header[20:]) {
		return "", nil, errors.New("another checksum")
	}
	return string(bytes.TrimRight(header[4:16], "\x00")), payload, nil
}

func versionPayload() []byte {
	payload := binary.LittleEndian.AppendUint32(nil, 70016)
	payload = binary.LittleEndian.AppendUint64(payload, 0)
	payload = binary.LittleEndian.AppendUint64(payload, uint64(time.Now().Unix()))
	payload = append(payload, make([]byte, 26+26)...)
	payload = binary.LittleEndian.AppendUint64(payload, uint64(time.Now().UnixNano()))
	agent := "/interop-go:1/"
	payload = append(append(payload, byte(len(agent))), agent...)
	return append(payload, 0, 0, 0, 0, 0)
}

// fetchBlock prints the size and the hash of one block, taken from the node at address.
func fetchBlock(h host.Host, address, protocolID, magicHex, hashHex string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	magic, err := hex.DecodeString(magicHex)
	if err != nil {
		return err
	}
	hash, err := hex.DecodeString(hashHex)
	if err != nil {
		return err
	}
	slices.Reverse(hash)
	if err := h.Connect(ctx, *info); err != nil {
		return err
	}
	s, err := h.NewStream(ctx, info.ID, protocol.ID(protocolID))
	if err != nil {
		return err
	}
	defer s.Close()
	_ = s.SetDeadline(time.Now().Add(20 * time.Second))
	if err := writeFrame(s, magic, "version", versionPayload()); err != nil {
		return err
	}
	for reader := bufio.NewReader(s); ; {
		command, payload, err := readFrame(reader, magic)
		if err != nil {
			return err
		}
		switch command {
		case "version":
			err = writeFrame(s, magic, "verack", nil)
		case "ping":
			err = writeFrame(s, magic, "pong", payload)
		case "verack":
			request := binary.LittleEndian.AppendUint32([]byte{1}, blockWithWitness)
			err = writeFrame(s, magic, "getdata", append(request, hash...))
		case "notfound":
			return errors.New("the node does not have the block")
		case "block":
			found := doubleHash(payload[:80])
			slices.Reverse(found)
			fmt.Printf("BLOCK %d %s\n", len(payload), hex.EncodeToString(found))
			return nil
		}
		if err != nil {
			return err
		}
	}
}
