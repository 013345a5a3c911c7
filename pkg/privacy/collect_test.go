package privacy

import (
	"net/netip"
	"testing"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

func TestRefuses(t *testing.T) {
	said := func(status string, purposes ...event.Purpose) event.Sent {
		return event.Sent{ItemType: event.Walkthru, Consent: event.Consent{Status: status, Purposes: purposes}}
	}
	yes := func(name string) event.Purpose { return event.Purpose{Name: name, Granted: true} }
	no := func(name string) event.Purpose { return event.Purpose{Name: name} }
	free := account.Policy{}
	strict := account.Policy{Consent: account.Consent{Required: true}}
	purposeful := account.Policy{Consent: account.Consent{Required: true, Purposes: []string{"analytics", "research"}}}
	deaf := account.Policy{Consent: account.Consent{IgnoreGPC: true, IgnoreDNT: true}}
	for name, c := range map[string]struct {
		policy  account.Policy
		sent    event.Sent
		signals Signals
		want    Refusal
	}{
		"nothing said, nothing required":           {free, said(""), Signals{}, Collected},
		"denied, nothing required":                 {free, said("denied"), Signals{}, ByDenial},
		"a purpose denied that nobody asked for":   {free, said("", no("ads")), Signals{}, Collected},
		"nothing said, required":                   {strict, said(""), Signals{}, WithoutConsent},
		"granted":                                  {strict, said("granted"), Signals{}, Collected},
		"granted, whatever it names":               {strict, said("granted", no("ads")), Signals{}, Collected},
		"all purposes granted, no status":          {strict, said("", yes("ads"), yes("analytics")), Signals{}, Collected},
		"one purpose not granted, no status":       {strict, said("", yes("ads"), no("analytics")), Signals{}, WithoutConsent},
		"each wanted purpose granted":              {purposeful, said("", yes("analytics"), yes("research"), no("ads")), Signals{}, Collected},
		"a wanted purpose not named":               {purposeful, said("granted", yes("analytics")), Signals{}, WithoutConsent},
		"a wanted purpose denied":                  {purposeful, said("granted", yes("analytics"), no("research")), Signals{}, ByDenial},
		"granted without purposes":                 {purposeful, said("granted"), Signals{}, Collected},
		"a status of a later version":              {strict, said("maybe"), Signals{}, WithoutConsent},
		"GPC":                                      {free, said(""), Signals{GPC: true}, ByGPC},
		"GPC with a granted consent":               {free, said("granted"), Signals{GPC: true}, ByGPC},
		"DNT":                                      {free, said(""), Signals{DNT: true}, ByDNT},
		"both, of an account that ignores them":    {deaf, said(""), Signals{GPC: true, DNT: true}, Collected},
		"denied, of an account that ignores those": {deaf, said("denied"), Signals{GPC: true}, ByDenial},
	} {
		if got := Refuses(&c.policy, &c.sent, c.signals); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Every kind of item at every level, by environment.
func TestRefusesByLevel(t *testing.T) {
	policy := account.Policy{Level: account.Everything, Environments: map[string]account.Environment{"test": {Level: account.ItemEvents}, "staging": {Level: account.Page}}}
	for _, itemType := range append(event.ItemTypes(), "") {
		least := account.ItemEvents
		switch itemType {
		case event.PageView, event.SessionItem, event.UserItem:
			least = account.Page
		case event.Custom:
			least = account.Everything
		}
		for environment, level := range map[string]account.Level{"": 3, "production": 3, "test": 1, "TEST": 1, "Staging": 2, "unheard-of": 3} {
			got := Refuses(&policy, &event.Sent{ItemType: itemType, Environment: environment}, Signals{})
			if want := map[bool]Refusal{true: ByLevel}[level < least]; got != want {
				t.Errorf("%s in %q: %q, want %q", itemType, environment, got, want)
			}
		}
	}
	for _, r := range Refusals {
		if r.Sentence() == "" {
			t.Errorf("%s has no sentence", r)
		}
	}
}

// What of an address reaches Kafka, is located, and is stored, under every setting.
func TestAddresses(t *testing.T) {
	whole, masked := netip.MustParseAddr("203.0.113.77"), netip.MustParseAddr("203.0.113.0")
	none := netip.Addr{}
	for name, c := range map[string]struct {
		ip                    account.IP
		at                    account.Place
		kafka, located, store netip.Addr
	}{
		"left out":         {"", "", none, none, none},
		"drop, edge":       {account.DropIP, account.AtEdge, none, none, none},
		"drop, enricher":   {account.DropIP, account.AtEnricher, whole, none, none},
		"mask":             {account.MaskIP, "", masked, masked, masked},
		"mask, edge":       {account.MaskIP, account.AtEdge, masked, masked, masked},
		"mask, enricher":   {account.MaskIP, account.AtEnricher, whole, whole, masked},
		"of later version": {"keep", "moon", none, none, none},
	} {
		p := account.Policy{IP: c.ip, IPAt: c.at}
		if got := AddressAtEdge(&p, whole); got != c.kafka {
			t.Errorf("%s: %v reaches Kafka, want %v", name, got, c.kafka)
		}
		if got := AddressLocated(&p, whole); got != c.located {
			t.Errorf("%s: %v is located, want %v", name, got, c.located)
		}
		if got := AddressStored(&p, whole); got != c.store {
			t.Errorf("%s: %v is stored, want %v", name, got, c.store)
		}
	}
}
