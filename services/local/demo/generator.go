package demo

import (
	"container/heap"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// An Account is where events are sent for.
type Account struct{ ID, WriteKey string }

// Options say what traffic to make.
type Options struct {
	// Seed decides everything but the time.
	Seed uint64
	// Start is when the first visitors come.
	Start time.Time
	// Rate is how many events happen in a second, on average; more than 0.
	Rate float64
	// Accounts share the visits evenly; at least one.
	Accounts []Account
	// Visitors is how many people each account has. Default 20,000, and never fewer than three times the visits under way.
	Visitors int
	// Flush is how long a client gathers events before it posts them. Default 5 s.
	Flush time.Duration
}

const defaultFlush = 5 * time.Second

// A Delivery is what one client posts at one time.
type Delivery struct {
	Due     time.Time
	Account *Account
	// Events are in the recorder's wire format, at least one.
	Events [][]byte

	ids []uuid.UUID // the events'
	who *visitor
}

// A Generator makes traffic without end. It is not for concurrent use.
//
// It holds as many places for visits as are under way at a time at the wanted rate; when a visit ends, another visitor takes
// its place. So the rate is there from the first seconds, and whoever comes is likely one for whom it is day.
type Generator struct {
	opt    Options
	rng    *rand.Rand
	idle   time.Duration // mean pause of a place between two visits
	people []map[int]*visitor
	agents []agent
	seats  seats
}

// A seat is a place for one visit at a time.
type seat struct {
	n       int // breaks ties, for determinism
	pending []*Delivery
}

// NewGenerator prepares traffic as opt says.
func NewGenerator(opt Options) (*Generator, error) {
	if len(opt.Accounts) == 0 {
		return nil, errors.New("demo traffic: want at least one account")
	}
	if !(opt.Rate > 0) || math.IsInf(opt.Rate, 1) {
		return nil, fmt.Errorf("demo traffic: want a rate above 0 events/s, got %g", opt.Rate)
	}
	if opt.Visitors == 0 {
		opt.Visitors = 20_000
	}
	if opt.Flush == 0 {
		opt.Flush = defaultFlush
	}
	browsers, err := agents()
	if err != nil {
		return nil, fmt.Errorf("demo traffic: %w", err)
	}
	g := &Generator{agents: browsers, opt: opt, rng: rand.New(rand.NewPCG(opt.Seed, uint64(opt.Start.UnixMilli())))}
	for range opt.Accounts {
		g.people = append(g.people, map[int]*visitor{})
	}
	length, events, err := trial(opt.Seed, len(opt.Accounts), opt.Start, browsers)
	if err != nil {
		return nil, err
	}
	wanted := opt.Rate * length.Seconds() / events // visits under way at a time
	n := max(1, int(math.Ceil(wanted)))
	g.opt.Visitors = max(g.opt.Visitors, 3*n)
	g.idle = time.Duration(float64(length) * (float64(n)/wanted - 1))
	for i := range n {
		s := &seat{n: i}
		// Visits begin busily, so half of the first ones come later: the rate is near the wanted one from the first seconds.
		later := g.rng.Float64() * float64(length)
		if g.rng.Float64() < 0.5 {
			later = g.rng.Float64() * float64(8*time.Second)
		}
		if err := g.fill(s, opt.Start.Add(time.Duration(later))); err != nil {
			return nil, err
		}
		g.seats = append(g.seats, s)
	}
	heap.Init(&g.seats)
	return g, nil
}

// trial measures visits of visitors who belong to none of the accounts: their mean length and number of events.
func trial(seed uint64, accounts int, start time.Time, browsers []agent) (time.Duration, float64, error) {
	const visits = 300
	rng := rand.New(rand.NewPCG(seed, 1))
	var length time.Duration
	events := 0
	for i := range visits {
		who := newVisitor(seed, accounts, i, browsers)
		v := newVisit(rng, &apps[i%len(apps)], who, start)
		if v.err != nil {
			return 0, 0, v.err
		}
		length += v.now.Sub(start)
		events += len(v.events)
	}
	return length / visits, float64(events) / visits, nil
}

// Next returns the delivery that is due next, in order of time.
func (g *Generator) Next() (*Delivery, error) {
	s := g.seats[0]
	d := s.pending[0]
	s.pending = s.pending[1:]
	if len(s.pending) == 0 {
		pause := time.Duration(g.rng.ExpFloat64() * float64(g.idle))
		if err := g.fill(s, d.Due.Add(pause)); err != nil {
			return nil, err
		}
	}
	heap.Fix(&g.seats, 0)
	return d, nil
}

// fill lets somebody take the seat at start.
func (g *Generator) fill(s *seat, start time.Time) error {
	account := g.rng.IntN(len(g.opt.Accounts))
	who := g.somebody(account, start)
	app := &apps[(2*account+g.rng.IntN(2))%len(apps)]
	v := newVisit(g.rng, app, who, start)
	if v.err != nil {
		return v.err
	}
	who.busyUntil = v.now.Add(time.Minute)
	s.pending = deliveries(s.pending[:0], v, &g.opt.Accounts[account], g.opt.Flush)
	return nil
}

// deliveries appends what a visit's client posts: the events of flush at a time.
func deliveries(out []*Delivery, v *visit, to *Account, flush time.Duration) []*Delivery {
	for i, begin := 0, 0; i < len(v.events); i++ {
		if last := i+1 == len(v.events); last || v.events[i+1].at.Sub(v.events[begin].at) > flush {
			d := &Delivery{Due: v.events[i].at, Account: to, who: v.who}
			for _, e := range v.events[begin : i+1] {
				d.Events, d.ids = append(d.Events, e.value), append(d.ids, e.id)
			}
			out = append(out, d)
			begin = i + 1
		}
	}
	return out
}

// somebody is a visitor who is not here already, and awake if a few tries find one; some come far more often than others.
func (g *Generator) somebody(account int, now time.Time) *visitor {
	n := 0
	for range 8 {
		u := g.rng.Float64()
		n = int(u * u * float64(g.opt.Visitors))
		if who := g.visitor(account, n); !who.busyUntil.After(now) && g.rng.Float64() < who.awake(now) {
			return who
		}
	}
	// There are more visitors than seats, so this ends.
	for {
		if who := g.visitor(account, n); !who.busyUntil.After(now) {
			return who
		}
		n = (n + 1) % g.opt.Visitors
	}
}

func (g *Generator) visitor(account, n int) *visitor {
	who := g.people[account][n]
	if who == nil {
		who = newVisitor(g.opt.Seed, account, n, g.agents)
		g.people[account][n] = who
	}
	return who
}

// seats is a heap: the seat whose next delivery is due first is on top.
type seats []*seat

func (s seats) Len() int { return len(s) }
func (s seats) Less(i, j int) bool {
	if a, b := s[i].pending[0].Due, s[j].pending[0].Due; !a.Equal(b) {
		return a.Before(b)
	}
	return s[i].n < s[j].n
}
func (s seats) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *seats) Push(x any)   { *s = append(*s, x.(*seat)) }
func (s *seats) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
