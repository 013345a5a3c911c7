package wire

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

func TestABatchCarriesItsNumbersUnderItsChecksum(t *testing.T) {
	var b Builder
	for _, rec := range sample(3) {
		b.Add(&rec)
	}
	for name, as := range map[string]Numbers{
		"numbered":   {ProducerID: 0x0102030405060708, Epoch: 0x1112, Sequence: 0x21222324},
		"unnumbered": Unnumbered,
	} {
		batch, err := b.appendBatch(nil, 0, as)
		if err != nil {
			t.Fatal(err)
		}
		// Positions as in KIP-98: producer id, epoch and base sequence follow each other from byte 43 on.
		var want []byte
		want = binary.BigEndian.AppendUint64(want, uint64(as.ProducerID))
		want = binary.BigEndian.AppendUint16(want, uint16(as.Epoch))
		want = binary.BigEndian.AppendUint32(want, uint32(as.Sequence))
		if got := batch[43:57]; !bytes.Equal(got, want) {
			t.Errorf("%s: the header has % x, not % x", name, got, want)
		}
		if got, want := binary.BigEndian.Uint32(batch[17:]), crc32.Checksum(batch[21:], castagnoli); got != want {
			t.Errorf("%s: checksum %x, not %x", name, got, want)
		}
	}
	if Unnumbered.ProducerID != -1 || Unnumbered.Epoch != -1 || Unnumbered.Sequence != -1 {
		t.Errorf("a batch without numbers has %+v, not -1 in each field", Unnumbered)
	}
}
