package erasure

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/schemas"
)

// What a server says of its users' addresses, in a message and in its batch, is whole in no place of ours where the policy keeps whole ones out of
// Kafka: neither on the disk of an edge whose Kafka is away, nor in any topic, table, log or metric.
func TestNoWholeAddressOfSegmentsMessagesIsKept(t *testing.T) {
	t.Parallel()
	p := build(t)
	p.withAccounts(`accounts:
  - {id: usual, region: eu, write_keys: [wk_test_key_usual]}
  - {id: masked, region: eu, write_keys: [wk_test_key_masked], policy: {ip: mask}}
  - {id: dropped, region: eu, write_keys: [wk_test_key_dropped], policy: {ip: drop, geo: none}}
  - {id: whole, region: eu, write_keys: [wk_test_key_whole], policy: {ip: mask, ip_at: enricher}}
`)
	const (
		inMessage, inBatch, inSix = "203.0.113.77", "198.51.100.88", "2001:db8:aaaa:bbbb::99"
		planted                   = "203.0.113.66" // the account's that may have it
	)
	send := func(account, address, batchs string) {
		message := func(kind, context string) string {
			return fmt.Sprintf(`{"type":%q,"event":"E","anonymousId":"v","messageId":"%s","context":%s}`, kind, uuid.NewString(), context)
		}
		p.postTo("/v1/batch", "wk_test_key_"+account, `{"context":{"ip":"`+batchs+`","library":{"name":"server"}},"batch":[`+strings.Join([]string{
			message("track", `{"ip":"`+address+`"}`), message("track", `{"library":{"name":"server"}}`), message("no such type", `{"ip":"`+address+`"}`), message("track", `{"ip":"`+inSix+`"}`),
		}, ",")+`]}`)
	}
	wholes := []string{inMessage, inBatch, inSix}
	nowhere := func(place, text string) {
		t.Helper()
		for _, address := range wholes {
			if strings.Contains(text, address) {
				t.Errorf("%s has a whole address: %.300q", place, text)
			}
		}
	}
	p.spool = t.TempDir()
	p.cut(true)
	p.start("edge", "enricher", "sink")
	for _, account := range []string{"usual", "masked", "dropped"} {
		send(account, inMessage, inBatch)
	}
	p.postTo("/v1/batch", "wk_test_key_whole", fmt.Sprintf(`{"batch":[{"type":"track","event":"E","anonymousId":"v","messageId":"%s","context":{"ip":"%s"}}]}`, uuid.NewString(), planted))
	for _, address := range wholes {
		if holds(t, p.spool, address) {
			t.Errorf("the spool has %s", address)
		}
	}
	if !holds(t, p.spool, planted) || !holds(t, p.spool, "203.0.113.0") {
		t.Error("the spool has not even what it may have: the test shows nothing")
	}
	p.cut(false)
	p.holds(10, "1")
	p.eventually("dead letters", func() bool { return p.count("SELECT count() FROM dead_events") == 3 })

	var all strings.Builder
	for _, topic := range []string{schemas.RawTopic(region), schemas.EnrichedTopic(region), schemas.DeadTopic(region)} {
		for _, rec := range p.records(topic) {
			text := string(rec.Key) + "\n" + string(rec.Value)
			for _, h := range rec.Headers {
				text += "\n" + h.Key + ": " + string(h.Value)
			}
			nowhere(topic, text)
			all.WriteString(text)
		}
	}
	for _, masked := range []string{planted, "203.0.113.0", "198.51.100.0", "2001:db8:aaaa::"} {
		if !strings.Contains(all.String(), masked) {
			t.Errorf("no topic has %s: the test shows nothing", masked)
		}
	}
	for _, table := range []string{"events", "dead_events"} {
		if err := p.conn.Query(t.Context(), "SELECT formatRow('JSONEachRow', *) FROM "+table, func(_ []string, values []any) error {
			nowhere(table, fmt.Sprint(values...))
			if strings.Contains(fmt.Sprint(values...), planted) {
				t.Errorf("%s has an address that only its raw record may have: %v", table, values)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for account, want := range map[string]int{"usual": 1, "masked": 1, "dropped": 0} {
		p.holds(want, "account_id = '"+account+"' AND ip_masked = '198.51.100.0'")
		p.holds(want, "account_id = '"+account+"' AND ip_masked = '203.0.113.0'")
	}
	for name, s := range p.services {
		for _, line := range s.logs.All() {
			nowhere("the log of "+name, fmt.Sprint(line.Message, line.ContextMap()))
		}
		families, err := s.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		nowhere("a metric of "+name, fmt.Sprint(families))
	}
}
