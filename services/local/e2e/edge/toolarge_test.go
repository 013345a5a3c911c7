package edge

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// The raw topic takes smaller batches than the edge makes, as an operator may well have it. Each event is answered for itself.
func TestATopicOfSmallMessagesTakesAllButWhatIsTooLarge(t *testing.T) {
	for name, spool := range map[string]bool{"without a spool": false, "with a spool": true} {
		t.Run(name, func(t *testing.T) {
			address := kafkatest.Start(t)
			client := kafkatest.Client(t, address)
			kafkatest.Topic(t, client, schemas.RawTopic("us"), 2, map[string]string{"max.message.bytes": "2000"})
			r := start(t, address, func(c *edge.Config) {
				if spool {
					c.Spool.Dir = t.TempDir()
				}
			})
			var events, ids []string
			for i := range 100 {
				filler := ""
				if i == 40 { // digits that no compression makes small
					for range 500 {
						filler += fmt.Sprintf("%09d", rand.IntN(1e9))
					}
				}
				ids = append(ids, uuid.NewString())
				events = append(events, fmt.Sprintf(`{"id":"%s","time":1700000000000,"type":"play","data":{"type":"wt","oId":1},"props":{"filler":"%s"},"user":{"guid":"v%d"}}`, ids[i], filler, i%7))
			}
			req, err := http.NewRequest(http.MethodPost, "http://"+r.address+"/v1/events", strings.NewReader("["+strings.Join(events, ",")+"]"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Write-Key", "wk_test_key")
			req.Close = true
			asked := time.Now()
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var answer struct {
				Accepted, Rejected int
				Results            []struct{ Status, ID, Code, Message string }
			}
			if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != 200 {
				t.Fatalf("status %d, %v", resp.StatusCode, err)
			}
			if answer.Accepted != 99 || answer.Rejected != 1 || answer.Results[40].Code != "too_large" {
				t.Errorf("%d accepted, %d rejected, the large one: %+v", answer.Accepted, answer.Rejected, answer.Results[40])
			}
			if took := time.Since(asked); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			stored := rawEvents(t, client)
			for i, id := range ids {
				if i != 40 && (answer.Results[i].ID != id || !slices.Contains(stored[fmt.Sprintf("v%d", i%7)], id)) {
					t.Errorf("event %d was answered %+v, and is it stored: %t", i, answer.Results[i], slices.Contains(stored[fmt.Sprintf("v%d", i%7)], id))
				}
			}
			if slices.Contains(stored["v5"], ids[40]) {
				t.Error("the rejected event is stored")
			}
			if err := r.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
