package kafka

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"
)

func TestABatchCarriesItsNumbersUnderItsChecksum(t *testing.T) {
	var b builder
	for _, rec := range sample(3) {
		b.add(&rec)
	}
	for name, as := range map[string]identity{
		"numbered":   {id: 0x0102030405060708, epoch: 0x1112, next: 0x21222324},
		"unnumbered": unnumbered,
	} {
		batch, err := b.appendBatch(nil, 0, as)
		if err != nil {
			t.Fatal(err)
		}
		// Positions as in KIP-98: producer id, epoch and base sequence follow each other from byte 43 on.
		var want []byte
		want = binary.BigEndian.AppendUint64(want, uint64(as.id))
		want = binary.BigEndian.AppendUint16(want, uint16(as.epoch))
		want = binary.BigEndian.AppendUint32(want, uint32(as.next))
		if got := batch[43:57]; !bytes.Equal(got, want) {
			t.Errorf("%s: the header has % x, not % x", name, got, want)
		}
		if got, want := binary.BigEndian.Uint32(batch[17:]), crc32.Checksum(batch[21:], castagnoli); got != want {
			t.Errorf("%s: checksum %x, not %x", name, got, want)
		}
	}
	if unnumbered.id != -1 || unnumbered.epoch != -1 || unnumbered.next != -1 {
		t.Errorf("a batch without numbers has %+v, not -1 in each field", unnumbered)
	}
}

// KIP-98: "the sequence number wraps around to 0 after 2^31-1".
func TestSequencesWrap(t *testing.T) {
	for _, c := range []struct{ from, records, want int32 }{
		{0, 1, 1},
		{math.MaxInt32 - 5, 5, math.MaxInt32},
		{math.MaxInt32, 1, 0},
		{math.MaxInt32 - 1, 10, 8},
		{math.MaxInt32, math.MaxInt32, math.MaxInt32 - 1},
	} {
		i := identity{id: 1, next: c.from}
		if i.advance(c.records); i.next != c.want {
			t.Errorf("%d records from %d end before %d, not %d", c.records, c.from, i.next, c.want)
		}
	}
	i := unnumbered
	if i.advance(1); i != unnumbered {
		t.Errorf("a batch without numbers moved to %+v", i)
	}
}

func TestARestartNeverRepeatsANumber(t *testing.T) {
	i := identity{id: 7, epoch: 3, next: 40}
	if i.restart(); i != (identity{id: 7, epoch: 4}) {
		t.Errorf("the next epoch is %+v", i)
	}
	i.epoch = math.MaxInt16
	if i.restart(); i.id != none {
		t.Errorf("after the last epoch comes %+v, not a new id", i)
	}
	i = unnumbered
	if i.restart(); i != unnumbered {
		t.Errorf("a batch without numbers became %+v", i)
	}
}
