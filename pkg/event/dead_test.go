package event

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"
)

func TestADeadRecordHasAllThatIsNeededToSendItAgain(t *testing.T) {
	topic := uuid.UUID{1, 2, 3}
	rec := Record{
		Partition: 3, Offset: 7, LeaderEpoch: 2, Timestamp: 5, Key: []byte("demo|v"), Value: []byte("{"),
		Headers: []Header{{Key: "format", Value: []byte("recorder/1")}, {Key: "x"}},
	}
	burial := Burial{
		Region: "eu", Stage: StageDecode, Topic: "events.raw.eu", TopicID: topic, Why: &Rejection{Reason: ReasonMalformedJSON, Err: errors.New("ends too early")},
	}
	d := burial.Dead(&rec, time.UnixMilli(1_700_000_000_000))
	buried, err := d.Record(make([]byte, d.SizeVT()))
	if err != nil {
		t.Fatal(err)
	}
	if buried.Timestamp != 1_700_000_000_000 || string(buried.Key) != "demo|v" || string(buried.Header(HeaderSchema)) != SchemaDead || len(buried.Headers) != 1 {
		t.Errorf("record %+v", buried)
	}
	got := new(Dead)
	if err := got.UnmarshalVT(buried.Value); err != nil {
		t.Fatal(err)
	}
	want := &Dead{
		Reason: "malformed_json", Stage: "decode", Error: "ends too early", Region: "eu", FailedAt: 1_700_000_000_000,
		Topic: "events.raw.eu", TopicId: topic[:], Partition: 3, LeaderEpoch: 2, Offset: 7, Key: []byte("demo|v"), Value: []byte("{"),
		Headers: []*DeadHeader{{Key: "format", Value: []byte("recorder/1")}, {Key: "x"}},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}
