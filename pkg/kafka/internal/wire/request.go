package wire

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// Requests and answers as bytes: https://kafka.apache.org/protocol. A fetch names the topic by its id (KIP-516), which brokers take from
// 3.1 on; for the others the newest version without tagged fields serves.
const (
	// FetchVersion is the first that knows topics by their ids.
	FetchVersion          = 13
	produceVersion        = 7
	initProducerIDVersion = 1

	// maxResponse bounds an answer: brokers send less than the asked maximum plus one batch.
	maxResponse = 512 << 20
)

// leaderOf finds the broker that leads a partition.
func leaderOf(cluster protocol.Cluster, topic string, partition int32) (protocol.Broker, error) {
	t, ok := cluster.Topics[topic]
	if !ok {
		return protocol.Broker{}, protocol.NewErrNoTopic(topic)
	}
	p, ok := t.Partitions[partition]
	if !ok {
		return protocol.Broker{}, protocol.NewErrNoPartition(topic, partition)
	}
	b, ok := cluster.Brokers[p.Leader]
	if !ok {
		return protocol.Broker{}, protocol.NewErrNoLeader(topic, partition)
	}
	return b, nil
}

// correlation is the id of every request: a connection carries one at a time.
const correlation = 1

// appendHeader starts a request (header version 1); finish fills in its length.
func appendHeader(dst []byte, key protocol.ApiKey, version int16, clientID string) []byte {
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(key))
	dst = binary.BigEndian.AppendUint16(dst, uint16(version))
	dst = binary.BigEndian.AppendUint32(dst, correlation)
	return AppendString(dst, clientID)
}

func finish(request []byte) {
	binary.BigEndian.PutUint32(request, uint32(len(request)-4))
}

// AppendString appends a string behind its length.
func AppendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// appendFlexibleHeader starts a request with tagged fields (header version 2, KIP-482), of which it has none.
func appendFlexibleHeader(dst []byte, key protocol.ApiKey, version int16, clientID string) []byte {
	return append(appendHeader(dst, key, version, clientID), noTags)
}

// noTags is an empty section of tagged fields.
const noTags = 0

// appendCompactCount appends the length of a compact array, string or byte string.
func appendCompactCount(dst []byte, n int) []byte {
	return binary.AppendUvarint(dst, uint64(n)+1)
}

// readResponse reads one answer into buf, growing it, and returns it without length and correlation id.
func readResponse(r io.Reader, buf []byte) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("read the broker's answer: %w", err)
	}
	size := int(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > maxResponse {
		return nil, fmt.Errorf("the broker's answer has %d bytes", size)
	}
	if id := binary.BigEndian.Uint32(head[4:]); id != correlation {
		return nil, fmt.Errorf("the broker answers request %d, not %d", id, correlation)
	}
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, fmt.Errorf("read the broker's answer: %w", err)
	}
	return buf, nil
}
