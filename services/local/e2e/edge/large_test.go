package edge

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A request that the producer's buffer never holds goes by way of the spool, in parts, and holds nothing up.
func TestARequestLargerThanTheProducersBufferArrives(t *testing.T) {
	address := kafkatest.Start(t)
	client := kafkatest.Client(t, address)
	kafkatest.Topic(t, client, schemas.RawTopic("us"), 2, nil)
	p, door := program(t, address, t.TempDir())
	p.Env = append(p.Env, "WAYMARK_EDGE_PRODUCER_MAX_BUFFERED_BYTES=1000000")
	if err := p.Start(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	filler := strings.Repeat("x", 4000)
	var events []string
	for range 250 {
		events = append(events, `{"id":"`+uuid.NewString()+`","time":1700000000000,"type":"play","data":{"type":"wt","oId":1},"unknown":"`+filler+`","user":{"guid":"large"}}`)
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+door+"/v1/events", strings.NewReader("["+strings.Join(events, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Write-Key", "wk_test_key")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(answer), `"accepted":250,`) || ask(door, uuid.NewString(), "another") != 200 {
		t.Fatalf("status %d, %.300s, %v", resp.StatusCode, answer, err)
	}
	kafkatest.Wait(t, func() bool {
		n, err := p.Metric(`waymark_edge_spool_events{region="us"}`)
		return err == nil && n == 0
	}, "the spool is drained")
	got := rawEvents(t, client)
	if len(got["large"]) != 250 || len(got["another"]) != 1 {
		t.Errorf("%d and %d events on the raw topic, want 250 and 1", len(got["large"]), len(got["another"]))
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}
