package collect

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	one   = netip.MustParseAddr("192.0.2.1")
	two   = netip.MustParseAddr("192.0.2.2")
	three = netip.MustParseAddr("192.0.2.3")
)

func newTestBudget(limits Limits) *budget {
	return newBudget(limits, prometheus.NewGauge(prometheus.GaugeOpts{Name: "held"}))
}

func TestARequestHoldsNoMoreThanItsSharesLeave(t *testing.T) {
	type take struct {
		from      netip.Addr
		anonymous bool
		bytes     int64
		want      error
	}
	limits := Limits{InFlightBytes: 1000, PeerBytes: 600, AnonymousBytes: 400} // a peer's anonymous ones: 100
	for name, takes := range map[string][]take{
		"all of it":                       {{one, false, 600, nil}, {two, false, 400, nil}, {three, false, 1, errFull}},
		"one peer":                        {{one, false, 600, nil}, {one, false, 1, errPeer}, {two, false, 400, nil}},
		"one peer's anonymous":            {{one, true, 100, nil}, {one, true, 1, errAnonymous}, {two, true, 100, nil}, {one, false, 500, nil}},
		"IPv4 in IPv6 is the same peer":   {{one, false, 600, nil}, {netip.MustParseAddr("::ffff:192.0.2.1"), false, 1, errPeer}},
		"a /64 is one peer":               {{netip.MustParseAddr("2001:db8::1"), false, 600, nil}, {netip.MustParseAddr("2001:db8::ffff:2"), false, 1, errPeer}},
		"another /64 is another peer":     {{netip.MustParseAddr("2001:db8::1"), false, 600, nil}, {netip.MustParseAddr("2001:db8:0:1::1"), false, 1, nil}},
		"an unknown address is one, too":  {{netip.Addr{}, false, 600, nil}, {netip.Addr{}, false, 1, errPeer}},
		"what is refused is not held":     {{one, false, 601, errPeer}, {one, false, 600, nil}},
		"anonymous bytes count as others": {{one, true, 100, nil}, {one, false, 501, errPeer}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestBudget(limits)
			var rooms []*room
			for i, c := range takes {
				r, err := b.enter(c.from, c.anonymous)
				if err != nil {
					t.Fatal(err)
				}
				rooms = append(rooms, r)
				if err := r.take(c.bytes); !errors.Is(err, c.want) {
					t.Errorf("take %d: %v, want %v", i, err, c.want)
				}
			}
			for _, r := range rooms {
				r.leave()
			}
			if b.bytes != 0 || b.anonymous != (tally{}) || len(b.peers) != 0 {
				t.Errorf("%d bytes, %+v, %d peers are left", b.bytes, b.anonymous, len(b.peers))
			}
		})
	}
}

func TestAnonymousRequestsAreFewUntilTheyHaveArrived(t *testing.T) {
	b := newTestBudget(Limits{AnonymousRequests: 8}) // a peer's: 2
	enter := func(from netip.Addr, anonymous bool, want error) *room {
		t.Helper()
		r, err := b.enter(from, anonymous)
		if !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
		return r
	}
	first := enter(one, true, nil)
	second := enter(one, true, nil)
	enter(one, true, errAnonymous)
	enter(one, false, nil)
	enter(two, true, nil)
	second.arrived()
	third := enter(one, true, nil)
	enter(one, true, errAnonymous)
	first.leave()
	third.leave()
	enter(one, true, nil)
	for _, from := range []netip.Addr{three, netip.MustParseAddr("192.0.2.4"), netip.MustParseAddr("192.0.2.5")} {
		enter(from, true, nil)
		enter(from, true, nil)
	}
	enter(netip.MustParseAddr("192.0.2.6"), true, errAnonymous)
	second.leave()
}
