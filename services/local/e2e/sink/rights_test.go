package sink

import (
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A login is the sink's user as ClickHouse knows it: what it may do, and within which bounds.
type login struct {
	// grants are those on the database; empty: whatever a sink needs.
	grants string
	// password; empty: "first".
	password string
	// profile and quota are XML.
	profile, quota string
}

const (
	needed   = "SELECT, INSERT, ALTER DELETE"
	database = "waymark"
)

// users is a users file with the tests' own user, who may do everything, and the sink's.
func (l login) users() string {
	if l.grants == "" {
		l.grants = needed
	}
	if l.password == "" {
		l.password = "first"
	}
	if l.quota == "" {
		l.quota = "<interval><duration>3600</duration></interval>"
	}
	const networks = "<networks><ip>127.0.0.1</ip></networks>"
	return "<clickhouse><profiles><default/><sink>" + l.profile + "</sink></profiles><quotas><default/><sink>" + l.quota + "</sink></quotas><users>" +
		"<default><password></password>" + networks + "<profile>default</profile><quota>default</quota></default>" +
		"<sink><password>" + l.password + "</password>" + networks + "<profile>sink</profile><quota>sink</quota>" +
		"<grants><query>GRANT " + l.grants + " ON " + database + ".*</query></grants></sink></users></clickhouse>"
}

// newHouseOf is a house whose sink logs in as l, into a ClickHouse that the test may harm.
func newHouseOf(t *testing.T, l login, partitions int) (*house, *chdbtest.Engine) {
	t.Helper()
	engine := chdbtest.Run(t, chdbtest.Options{Users: l.users()})
	engine.Database = database
	h := newHouseIn(t, kafkatest.Start(t), engine.Server, partitions)
	h.cfg.ClickHouse.User, h.cfg.ClickHouse.Password = "sink", "first"
	return h, engine
}

// stops runs a sink until it stops with a sentence that has says, not ready.
func (h *house) stops(says string) {
	h.t.Helper()
	s := h.start()
	kafkatest.Wait(h.t, func() bool {
		err := s.Health.Ready(deadline(h.t))
		return err != nil && strings.Contains(err.Error(), says)
	}, "not ready: %s", says)
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), says) {
		h.t.Errorf("got %v, want an error that says %q", err, says)
	}
}

// unharmed tells whether nothing was given up and the table has rows rows.
func (h *house) unharmed(rows int) {
	h.t.Helper()
	h.run(h.holds(rows), "%d rows", rows)
	if n := h.count("SELECT count() FROM dead_events"); n != 0 {
		h.t.Errorf("%d events were buried", n)
	}
}

// A right that is missing stops the sink, and once it is given the sink goes on where it was.
func TestAUserWithoutARightStopsTheSinkAndLosesNothing(t *testing.T) {
	for name, c := range map[string]struct{ grants, says string }{
		"no insert": {"SELECT, ALTER DELETE", "497"},
		"nothing":   {"SHOW DATABASES", "table events is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			h, engine := newHouseOf(t, login{grants: c.grants}, 1)
			h.send(0, h.some(30)...)
			h.stops(c.says)
			engine.Configure(login{}.users(), "")
			h.unharmed(30)
		})
	}
}

// A sink that may insert and not look is told at its start: it would find out at its first doubt, with rows under way.
func TestAUserWithoutSelectIsToldAtTheStart(t *testing.T) {
	h, engine := newHouseOf(t, login{grants: "INSERT, ALTER DELETE"}, 1)
	h.send(0, h.some(30)...)
	h.stops("497")
	if n := h.count("SELECT count() FROM events"); n != 0 {
		t.Errorf("%d rows were stored before", n)
	}
	engine.Configure(login{}.users(), "")
	h.unharmed(30)
}

// A re-enrichment deletes what it replaces.
func TestAUserWithoutDeleteStopsOnlyAReenrichment(t *testing.T) {
	h, engine := newHouseOf(t, login{grants: "SELECT, INSERT"}, 1)
	var again []event.Record
	for range 20 {
		e := h.enriched()
		h.send(0, record(t, e))
		e.Epoch, e.City = 1, "after"
		again = append(again, record(t, e))
	}
	h.unharmed(20)
	h.send(0, again...)
	h.stops("497")
	engine.Configure(login{}.users(), "")
	h.run(func() bool { return h.holds(20)() && h.count("SELECT countIf(city = 'after') FROM events") == 20 }, "20 rows replaced")
}

// The operator changes the password while the sink is at work.
func TestAPasswordChangedUnderLoadStopsTheSinkUntilItIsToldTheNewOne(t *testing.T) {
	h, engine := newHouseOf(t, login{}, 2)
	sent := 0
	more := func() {
		for p := range int32(2) {
			h.send(p, h.some(200)...)
			sent += 200
		}
	}
	more()
	s := h.start()
	kafkatest.Wait(t, func() bool { return h.count("SELECT count() FROM events") > 0 }, "the first rows")
	more()
	engine.Configure(login{password: "second"}.users(), "")
	more()
	kafkatest.Wait(t, func() bool {
		err := s.Health.Ready(deadline(t))
		return err != nil && strings.Contains(err.Error(), "516")
	}, "not ready: 516")
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "516") || !strings.Contains(err.Error(), "nothing is lost") {
		t.Errorf("got %v, want an error that says what is wrong and that nothing is lost", err)
	}
	more()
	h.cfg.ClickHouse.Password = "second"
	h.unharmed(sent)
	lag, err := admin.Lag(deadline(t), h.client, schemas.SinkGroup(region), schemas.EnrichedTopic(region))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range lag {
		if p.Lag != 0 {
			t.Errorf("partition %d is %d behind", p.Partition, p.Lag)
		}
	}
}

// Who may only read, and change no setting, is answered all the same, JSON in the driver's own form. The driver makes a setting of a deadline.
func TestAUserWhoMayChangeNoSettingCanAsk(t *testing.T) {
	h, _ := newHouseOf(t, login{profile: "<readonly>1</readonly>", grants: "SELECT"}, 1)
	conn, err := clickhouse.Open(h.cfg.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	asked := 0
	err = conn.Query(t.Context(), "SELECT count() FROM events", func(_ []string, v []any) error {
		asked++
		return nil
	})
	if err != nil || asked != 1 {
		t.Errorf("%d rows, %v", asked, err)
	}
}
