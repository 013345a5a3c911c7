package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/console"
)

func TestWithoutClickHouseItSaysSoAndRecovers(t *testing.T) {
	h := newHouse(t)
	if a := h.ask("end_users", "account", "shop"); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.text)
	}
	h.as = ops
	if a := h.sql("shop", "SELECT 1"); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.text)
	}
	h.Kill()
	for what, a := range map[string]answer{"a question": h.ask("end_users", "account", "shop"), "SQL": h.sql("shop", "SELECT 1")} {
		h.refused(what, a, http.StatusServiceUnavailable, "away")
		if a.header.Get("Retry-After") == "" || strings.Contains(a.text, h.NativeAddr) {
			t.Errorf("%s: %v %s", what, a.header, a.text)
		}
	}
	if a := h.get("/api/health-data?account=shop"); a.status != http.StatusOK || !strings.Contains(a.text, "ClickHouse does not answer.") {
		t.Errorf("health: %d %s", a.status, a.text)
	}
	if err := h.service.Health.Ready(t.Context()); err != nil {
		t.Errorf("not ready without ClickHouse: %v", err)
	}
	h.Restart()
	h.within("well again", func() bool { return h.ask("end_users", "account", "shop").status == http.StatusOK })
	h.within("well again", func() bool { return h.sql("shop", "SELECT 1").status == http.StatusOK })
}

func TestEveryAnswerIsSecure(t *testing.T) {
	h := newHouse(t)
	for path, status := range map[string]int{
		"/": 200, "/items/7?account=shop": 200, "/missing.js": 404, "/api/me": 200, "/api/nothing": 404, "/api/ask/end_users?account=rival": 403,
		"/api/ask/end_users?account=shop&format=csv": 200, "/../../etc/passwd": 404, "/index.html": 200,
	} {
		a := h.get(path)
		if a.status != status && (path != "/../../etc/passwd" || a.status >= 500) {
			t.Errorf("%s: %d", path, a.status)
		}
		policy := a.header.Get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, directive) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, directive)
			}
		}
		for _, unsafe := range []string{"unsafe", "http:", "https:", "*"} {
			if strings.Contains(policy, unsafe) {
				t.Errorf("%s: the policy has %s", path, unsafe)
			}
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("X-Frame-Options") != "DENY" || a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, a.header)
		}
		if strings.HasPrefix(path, "/api/") && a.header.Get("Cache-Control") != "no-store" && a.header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s may be kept: %s", path, a.header.Get("Cache-Control"))
		}
	}
}

func TestAnAnswerServesEqualQuestionsForAMoment(t *testing.T) {
	h := newHouse(t, func(cfg *console.Config) { cfg.Limits.Cache = time.Hour })
	first := h.ask("environments", "account", "shop")
	tag := first.header.Get("ETag")
	if first.status != http.StatusOK || first.Cached || tag == "" {
		t.Fatalf("%d %s %q", first.status, first.text, tag)
	}
	if second := h.ask("environments", "account", "shop", "to", time.Now().UTC().Format(time.DateOnly)); !second.Cached || second.header.Get("ETag") != tag {
		t.Errorf("asked again: %s", second.text)
	}
	if a := h.get("/api/ask/environments?account=shop", "If-None-Match", `"x", W/`+tag); a.status != http.StatusNotModified || a.text != "" {
		t.Errorf("with the tag: %d %s", a.status, a.text)
	}
	if a := h.get("/api/ask/environments?account=shop&format=csv", "If-None-Match", tag); a.status != http.StatusOK {
		t.Errorf("as a file, with the page's tag: %d", a.status)
	}
	if other := h.ask("environments", "account", "shop", "from", "2026-01-01"); other.Cached {
		t.Error("another question has the same answer")
	}
	h.as = eve
	if a := h.get("/api/ask/environments?account=shop", "If-None-Match", tag); a.status != http.StatusForbidden {
		t.Errorf("another user, with the tag: %d", a.status)
	}
}

func TestOneUserCannotTakeAllTurns(t *testing.T) {
	h := newHouse(t, func(cfg *console.Config) {
		cfg.Limits.UserQueries, cfg.Limits.UserWaiting, cfg.Limits.Wait, cfg.Limits.SQLTime = 1, 1, 500*time.Millisecond, 20*time.Second
		cfg.UserList.Users[0].Accounts = []string{"*"}
	})
	ctx, leave := context.WithCancel(t.Context())
	var slow sync.WaitGroup
	defer slow.Wait()
	defer leave()
	slow.Go(func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/api/sql", strings.NewReader(`{"account":"shop","sql":"`+endless+`"}`))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+dana)
		req.Header.Set("X-Waymark-Console", "1")
		req.Header.Set("Content-Type", "application/json")
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	})
	h.within("running", func() bool { return h.running("SHA512") == "1" })
	began := time.Now()
	a := h.ask("environments", "account", "shop")
	h.refused("waiting too long", a, http.StatusTooManyRequests, "busy")
	if a.header.Get("Retry-After") == "" || time.Since(began) < 400*time.Millisecond {
		t.Errorf("%v after %s", a.header, time.Since(began))
	}
	h.as = ops
	if a := h.ask("environments", "account", "shop"); a.status != http.StatusOK {
		t.Errorf("another user: %d %s", a.status, a.text)
	}
}

// A stream is a live stream that is read in the background.
type stream struct {
	status int
	events chan [2]string // name and data
	leave  context.CancelFunc
}

func (h *house) live(account string) *stream {
	h.t.Helper()
	ctx, leave := context.WithCancel(h.t.Context())
	h.t.Cleanup(leave)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/api/live?account="+account, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.as)
	s := &stream{events: make(chan [2]string, 1000), leave: leave}
	status := make(chan int)
	go func() { // ends with the stream
		defer close(s.events)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			status <- 0
			return
		}
		defer resp.Body.Close()
		status <- resp.StatusCode
		name := ""
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if value, is := strings.CutPrefix(lines.Text(), "event: "); is {
				name = value
			}
			if value, is := strings.CutPrefix(lines.Text(), "data: "); is {
				s.events <- [2]string{name, value}
			}
		}
	}()
	s.status = <-status
	return s
}

// next is the next message by a name; others are left out.
func (s *stream) next(t *testing.T, name string) string {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case e, more := <-s.events:
			if !more {
				t.Fatalf("the stream ended before %s", name)
			}
			if e[0] == name {
				return e[1]
			}
		case <-late:
			t.Fatalf("no %s in time", name)
		}
	}
}

func (h *house) insert(account, id string) {
	h.t.Helper()
	h.clickhouse(`INSERT INTO events (event_id, account_id, event, item_type, item_id, user_id, environment, time, client_time, received_at)
		SELECT toUUID({id:String}), {account:String}, 'play', 'walkthru', {account:String}, {account:String}, 'production', now64(3), now64(3), now64(3)`, "param_id", id, "param_account", account)
}

func TestNewEventsAreSeenLiveAndNobodyElses(t *testing.T) {
	h := newHouse(t)
	s, second := h.live("shop"), h.live("shop")
	if s.status != http.StatusOK {
		t.Fatalf("status %d", s.status)
	}
	s.next(t, "event") // of those that were there
	for i := range 3 {
		mine, theirs := fmt.Sprintf("01890c3a-7b1e-7c3d-8e4f-00000000000%d", i), fmt.Sprintf("01890c3a-7b1e-7c3d-8e4f-10000000000%d", i)
		h.insert("rival", theirs)
		h.insert("shop", mine)
		for _, viewer := range []*stream{s, second} {
			seen := map[string]int{}
			for seen[mine] == 0 {
				data := viewer.next(t, "event")
				var event struct {
					ID   string `json:"event_id"`
					User string `json:"user_id"`
				}
				if err := json.Unmarshal([]byte(data), &event); err != nil || strings.Contains(data, "rival") || event.ID == theirs {
					t.Fatalf("%v %s", err, data)
				}
				if seen[event.ID]++; seen[event.ID] > 1 {
					t.Errorf("event %s came twice", event.ID)
				}
			}
		}
	}
	// Without ClickHouse the stream says so and goes on.
	h.Kill()
	s.next(t, "away")
	h.Restart()
	h.insert("shop", "01890c3a-7b1e-7c3d-8e4f-200000000000")
	for !strings.Contains(s.next(t, "event"), "01890c3a-7b1e-7c3d-8e4f-200000000000") {
	}
	// The looks end with the last viewer, who waits for that.
	s.leave()
	second.leave()
	h.within("quiet", func() bool { return h.metric("waymark_console_streams") == 0 })
}

// metric is a gauge's value.
func (h *house) metric(name string) float64 {
	h.t.Helper()
	families, err := h.service.Registry.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	h.t.Fatalf("no metric %s", name)
	return 0
}

func TestStreamsAreBounded(t *testing.T) {
	h := newHouse(t, func(cfg *console.Config) { cfg.Limits.UserStreams = 2 })
	first, second := h.live("shop"), h.live("shop")
	h.refused("a third", h.get("/api/live?account=shop"), http.StatusTooManyRequests, "busy")
	first.leave()
	h.within("room again", func() bool {
		again := h.live("shop")
		defer again.leave()
		return again.status == http.StatusOK
	})
	second.leave()
}

func TestItEndsInOrder(t *testing.T) {
	h := newHouse(t)
	s := h.live("shop")
	s.next(t, "event")
	h.as = ops
	done := make(chan answer)
	go func() { done <- h.sql("shop", "SELECT sleep(2)") }()
	h.within("running", func() bool { return h.running("sleep") == "1" })
	h.service.Leave()
	s.next(t, "end")
	if a := <-done; a.status != http.StatusOK {
		t.Errorf("a request under way: %d %s", a.status, a.text)
	}
	if err := h.service.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if err := h.service.Health.Ready(t.Context()); err == nil {
		t.Error("it is ready after its end")
	}
}

func TestDataHealthTellsWhatIsThere(t *testing.T) {
	h := newHouse(t)
	h.insert("shop", "01890c3a-7b1e-7c3d-8e4f-000000000000")
	h.clickhouse("SYSTEM STOP MERGES")
	h.insert("shop", "01890c3a-7b1e-7c3d-8e4f-000000000000") // again
	var report struct {
		Stored struct {
			Events, Doubles int
			Last            time.Time `json:"last_received_at"`
			P50             *float64  `json:"seconds_to_store_p50"`
		}
		Dead struct {
			Letters []struct {
				Stage, Reason, Example, Replay string
				Count                          int
			}
		}
		Door, Lag any
	}
	a := h.get("/api/health-data?account=shop")
	if err := json.Unmarshal([]byte(a.text), &report); err != nil {
		t.Fatalf("%v %s", err, a.text)
	}
	if report.Stored.Events != 152 || report.Stored.Doubles != 1 || report.Stored.P50 == nil || time.Since(report.Stored.Last) > time.Minute {
		t.Errorf("stored: %s", a.text)
	}
	if l := report.Dead.Letters; len(l) != 1 || l[0].Count != 1 || l[0].Example != "shop sent no JSON" ||
		l[0].Replay != "waymarkctl dead replay --region us --account shop --stage decode --reason malformed_json --from=-24h" {
		t.Errorf("dead: %s", a.text)
	}
	if report.Door != nil || report.Lag != nil {
		t.Errorf("what is not configured: %s", a.text)
	}
}

// The log is for operators: it has neither what people ask for, nor who they are, nor rows.
func TestTheLogHasNobodysValues(t *testing.T) {
	h := newHouse(t)
	const mark = "planted-4711"
	h.ask("end_users", "account", "shop", "search", mark)
	h.ask("failure_reasons", "account", "shop", "item", mark)
	h.ask("end_users", "account", mark)
	h.ask(mark, "account", "shop")
	// Of an older database ClickHouse's sentence quotes the whole statement.
	h.clickhouse("DROP VIEW failure_reasons")
	h.clickhouse("DROP VIEW survey_results")
	h.clickhouse("CREATE VIEW survey_results AS SELECT {account:String} AS a, {from:Date} AS b, {to:Date} AS c, {audience:String} AS d, {item:String} AS e")
	h.refused("a view that is not there", h.ask("failure_reasons", "account", "shop", "item", mark), http.StatusServiceUnavailable, "setup")
	h.refused("a view of another version", h.ask("survey_results", "account", "shop", "item", mark), http.StatusServiceUnavailable, "setup")
	h.as = ops
	h.sql("shop", "SELECT "+mark+" FROM nowhere")
	h.sql("shop", "SELECT throwIf(1, '"+mark+"')")
	h.get("/api/me", "Authorization", "Bearer "+mark)
	h.Kill()
	h.ask("end_users", "account", "shop", "search", mark)
	if h.service.Logs.Len() < 2 {
		t.Error("there is no log")
	}
	for _, line := range h.service.Logs.All() {
		text := fmt.Sprint(line.Message, line.ContextMap())
		for _, word := range []string{mark, "dana", "ops", "shop-", password, "Bearer"} {
			if strings.Contains(text, word) {
				t.Errorf("the log has %q: %s", word, text)
			}
		}
	}
}
