package checkpoint

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
)

// A Joint is a block that batches of several partitions of one topic make together.
type Joint struct {
	// Digest stands for all its batches, and so for its rows: of 1 to 64 characters.
	Digest string
	// Members are the batches, by partition, each partition once.
	Members []Member
}

// A Member is the batch [From, To) of a partition. LeaderEpoch is that of the record before To: it tells whether the batch can still be read.
type Member struct {
	Partition   int32
	From, To    int64
	LeaderEpoch int32
}

// MostMembers bounds a joint so that its metadata stays below what brokers take, beside mostMarks marks.
const MostMembers = 64

type jointWire struct {
	Digest  string `json:"t"`
	Members string `json:"m"`
}

// wire renders the members as varints: the distance from the partition before, the first offset, the number of offsets, the leader epoch.
func (j *Joint) wire() *jointWire {
	var b []byte
	last := int32(-1)
	for _, m := range j.Members {
		b = binary.AppendUvarint(b, uint64(m.Partition-last-1))
		b = binary.AppendUvarint(b, uint64(m.From))
		b = binary.AppendUvarint(b, uint64(m.To-m.From))
		b = binary.AppendVarint(b, int64(m.LeaderEpoch))
		last = m.Partition
	}
	return &jointWire{j.Digest, base64.RawURLEncoding.EncodeToString(b)}
}

var errNoJoint = errors.New("these are no members of a joint batch")

func (w *jointWire) parse() (*Joint, error) {
	b, err := base64.RawURLEncoding.DecodeString(w.Members)
	if err != nil || len(w.Digest) == 0 || len(w.Digest) > 64 {
		return nil, errNoJoint
	}
	j := &Joint{Digest: w.Digest}
	partition := int64(-1)
	for len(b) > 0 {
		var fields [3]int64
		for i := range fields {
			n, size := binary.Uvarint(b)
			if size <= 0 || n > math.MaxInt64 {
				return nil, errNoJoint
			}
			fields[i], b = int64(n), b[size:]
		}
		epoch, size := binary.Varint(b)
		if size <= 0 {
			return nil, errNoJoint
		}
		b = b[size:]
		if fields[0] > math.MaxInt32 || fields[2] < 1 || fields[1] > math.MaxInt64-fields[2] || epoch < -1 || epoch > math.MaxInt32 {
			return nil, errNoJoint
		}
		if partition += fields[0] + 1; partition > math.MaxInt32 || len(j.Members) == MostMembers {
			return nil, errNoJoint
		}
		j.Members = append(j.Members, Member{int32(partition), fields[1], fields[1] + fields[2], int32(epoch)})
	}
	if len(j.Members) == 0 {
		return nil, errNoJoint
	}
	return j, nil
}
