package edge

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A request that the producer's buffer never holds arrives in parts, and holds nothing up: with a spool by way of it.
func TestARequestLargerThanTheProducersBufferArrives(t *testing.T) {
	for name, spool := range map[string]bool{"with a spool": true, "without a spool": false} {
		t.Run(name, func(t *testing.T) {
			address := kafkatest.Start(t)
			client := kafkatest.Client(t, address)
			kafkatest.Topic(t, client, schemas.RawTopic("us"), 2, nil)
			r := start(t, address, func(c *edge.Config) {
				c.Producer.MaxBufferedBytes = 1_000_000
				if spool {
					c.Spool.Dir = t.TempDir()
				}
			})
			filler := strings.Repeat("x", 4000)
			var events []string
			for range 250 {
				events = append(events, `{"id":"`+uuid.NewString()+`","time":1700000000000,"type":"play","data":{"type":"wt","oId":1},"unknown":"`+filler+`","user":{"guid":"large"}}`)
			}
			req, err := http.NewRequest(http.MethodPost, "http://"+r.address+"/v1/events", strings.NewReader("["+strings.Join(events, ",")+"]"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Write-Key", "wk_test_key")
			req.Close = true
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !strings.Contains(string(answer), `"accepted":250,`) || ask(r.address, uuid.NewString(), "another") != 200 {
				t.Fatalf("status %d, %.300s, %v", resp.StatusCode, answer, err)
			}
			if err := r.Stop(); err != nil { // the spool is drained before it ends
				t.Error(err)
			}
			got := rawEvents(t, client)
			if len(got["large"]) != 250 || len(got["another"]) != 1 {
				t.Errorf("%d and %d events on the raw topic, want 250 and 1", len(got["large"]), len(got["another"]))
			}
		})
	}
}
