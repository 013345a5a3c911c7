package demo

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
)

// HistoryOptions say what past to make.
type HistoryOptions struct {
	// Seed decides everything but the time. The people are those of a Generator of the same seed.
	Seed uint64
	// Until is when the past ends; what a visit would do later is left out.
	Until time.Time
	// Days is how long it is; at least one.
	Days int
	// Events is about how many there are, of all accounts.
	Events int
	// Accounts share them evenly; at least one.
	Accounts []Account
}

// A History is the traffic of days that are over: more people join each week, most come back for a while and fewer the longer it is ago, they work by
// day and seldom at weekends. The same options give the same deliveries, ids included. It is not for concurrent use.
type History struct {
	opt     HistoryOptions
	rng     *rand.Rand
	agents  []agent
	plan    []planned
	people  []map[int]*visitor
	pending []*Delivery
}

// A planned visit.
type planned struct {
	at               time.Time
	account, visitor int
}

// NewHistory plans who comes when.
func NewHistory(opt HistoryOptions) (*History, error) {
	if len(opt.Accounts) == 0 || opt.Days < 1 || opt.Events < 1 {
		return nil, errors.New("demo history: want at least one account, one day and one event")
	}
	browsers, err := agents()
	if err != nil {
		return nil, fmt.Errorf("demo history: %w", err)
	}
	_, events, err := trial(opt.Seed, len(opt.Accounts), opt.Until, browsers)
	if err != nil {
		return nil, err
	}
	h := &History{opt: opt, agents: browsers, rng: rand.New(rand.NewPCG(opt.Seed, uint64(opt.Until.UnixMilli())))}
	visits := float64(opt.Events) / float64(len(opt.Accounts)) / events
	for account := range opt.Accounts {
		h.people = append(h.people, map[int]*visitor{})
		begin := len(h.plan)
		for n := 0; float64(len(h.plan)-begin) < visits; n++ {
			who := newVisitor(opt.Seed, account, n, browsers)
			who.visits = 0
			h.people[account][n] = who
			for _, at := range h.visits(who, account, n) {
				h.plan = append(h.plan, planned{at, account, n})
			}
		}
	}
	slices.SortFunc(h.plan, func(a, b planned) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.account, b.account), cmp.Compare(a.visitor, b.visitor))
	})
	return h, nil
}

// visits are when a person comes, in order.
func (h *History) visits(who *visitor, account, n int) (out []time.Time) {
	rng := rand.New(rand.NewPCG(h.opt.Seed+1, uint64(account)<<32|uint64(n)))
	last := h.opt.Until.UTC().Truncate(24 * time.Hour)
	first := last.AddDate(0, 0, 1-h.opt.Days)
	// A third were there before anybody looked; of the others, the more the later.
	joined := -1
	if rng.Float64() > 0.35 {
		u := rng.Float64()
		joined = int(float64(h.opt.Days) * (math.Sqrt(1+4*growth*(1+growth)*u) - 1) / (2 * growth))
	}
	// A few come nearly every working day, half of them now and then.
	often := 0.05
	switch u := rng.Float64(); {
	case u < 0.15:
		often = 0.6
	case u < 0.5:
		often = 0.22
	}
	stays := joined + int(40*rng.ExpFloat64())
	for d := max(joined, 0); d < h.opt.Days && d <= stays; d++ {
		day := first.AddDate(0, 0, d)
		share := often
		if d == joined {
			share = 1
		}
		if weekday := day.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			share *= 0.3
		}
		visits := 0
		for ; rng.Float64() < share && visits < 4; share *= 0.25 {
			hour := weighted(rng, len(hours), func(hour int) float64 { return hours[hour] })
			at := day.Add((time.Duration(hour)*time.Hour - who.place.offset + 24*time.Hour) % (24 * time.Hour))
			out = append(out, at.Add(time.Duration(rng.IntN(3_600_000))*time.Millisecond))
			visits++
		}
		if d == joined && visits == 0 { // a weekend: they join a day later
			joined++
			stays++
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// growth is by how much more people join at the end of a history than at its beginning, divided by two.
const growth = 0.4

// Next returns the next delivery, nil after the last. Those of one visit follow each other; visits are in the order in which they begin.
func (h *History) Next() (*Delivery, error) {
	for {
		for len(h.pending) > 0 {
			d := h.pending[0]
			h.pending = h.pending[1:]
			if !d.Due.After(h.opt.Until) {
				return d, nil
			}
		}
		if len(h.plan) == 0 {
			return nil, nil
		}
		next := h.plan[0]
		h.plan = h.plan[1:]
		who := h.people[next.account][next.visitor]
		if who.busyUntil.After(next.at) {
			next.at = who.busyUntil
		}
		v := newVisit(h.rng, &apps[(2*next.account+who.visits%2)%len(apps)], who, next.at)
		if v.err != nil {
			return nil, v.err
		}
		who.busyUntil = v.now.Add(time.Minute)
		h.pending = deliveries(h.pending[:0], v, &h.opt.Accounts[next.account], defaultFlush)
	}
}

// Raw returns the delivery's events as an edge writes them to Kafka that receives them when they are due.
func (d *Delivery) Raw() []event.Raw {
	out := make([]event.Raw, len(d.Events))
	for i, value := range d.Events {
		out[i] = event.Raw{
			Format: event.FormatRecorder, AccountID: d.Account.ID, EventID: d.ids[i], ReceivedAt: d.Due.UnixMilli(), SentAt: d.Due.Add(d.who.skew).UnixMilli(),
			ClientIP: d.who.addr, UserAgent: d.who.agent.userAgent, Hints: d.who.agent.raw(), Value: value,
		}
	}
	return out
}

// raw are the agent's hints as the edge notes them.
func (a *agent) raw() event.Hints {
	return event.Hints{
		UA: a.hints.Get("Sec-CH-UA"), Mobile: a.hints.Get("Sec-CH-UA-Mobile"), Model: a.hints.Get("Sec-CH-UA-Model"),
		Platform: a.hints.Get("Sec-CH-UA-Platform"), PlatformVersion: a.hints.Get("Sec-CH-UA-Platform-Version"),
	}
}
