package dataset

import (
	"fmt"
	"math/rand/v2"
)

// An item is something to play, show or do.
type item struct {
	id, name string
	steps    []string
	renamed  string // its name from the middle of the span on
}

// An account is a customer with its items and its people.
type account struct {
	id, region string
	people     int
	companies  int

	walkthrus, launchers, shoutouts, smarttips, surveys, tasks, courses, resources []item
	queries                                                                        []string // every second finds nothing
	pages                                                                          []string
}

func accounts() []account {
	steps := func(n int) []string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("Step %d", i+1)
		}
		return names
	}
	return []account{
		{
			id: Acme, region: "eu", people: 760, companies: 40,
			walkthrus: []item{
				{id: "101", name: "Log in", steps: []string{"Open the form", "Enter your e-mail", "Enter your password", "", "Done"}},
				{id: `wt-"é'\日本`, name: `O'Brien's "tour" – naïve 日本`, steps: steps(7)},
				{id: "103", name: "", steps: steps(3)},
				{id: "104", name: "Old name", renamed: "A new name", steps: steps(4)},
				{id: "105", name: "Never completed", steps: steps(2)},
			},
			launchers: []item{{id: "201", name: "Help"}, {id: "202", name: "Start here"}},
			shoutouts: []item{{id: "301", name: "Release 7"}, {id: "302", name: "Maintenance"}},
			smarttips: []item{{id: "401", name: "VAT number"}},
			surveys:   []item{{id: "101", name: "How was it?"}, {id: "502", name: "Would you recommend us?"}}, // 101 is a walk-thru's id, too
			tasks:     []item{{id: "601", name: "Add a photo"}, {id: "602", name: "Invite a colleague"}, {id: "603", name: "Pay"}},
			courses:   []item{{id: "701", name: "Selling", steps: []string{"Orders", "Returns", "Refunds"}}, {id: "702", name: "Safety", steps: []string{"Fire"}}},
			resources: []item{{id: "801", name: "Handbook"}},
			queries:   []string{"password", "Fax number ", "invoice", "fax NUMBER", "l'été \"2026\"", "日本語", "refund", ""},
			pages:     []string{"/", "/cart", "/checkout", "/account/login", "/help/ü"},
		},
		{
			id: Globex, region: "us", people: 420, companies: 15,
			walkthrus: []item{{id: "101", name: "First order", steps: steps(6)}, {id: "901", name: "Approve", steps: steps(4)}},
			launchers: []item{{id: "201", name: "?"}},
			shoutouts: []item{{id: "301", name: "Welcome"}},
			smarttips: []item{{id: "402", name: "Cost centre"}},
			surveys:   []item{{id: "501", name: "After your request"}},
			tasks:     []item{{id: "601", name: "Read the policy"}, {id: "602", name: "Sign"}},
			courses:   []item{{id: "701", name: "Compliance", steps: []string{"One", "Two", "Three", "Four"}}},
			resources: []item{{id: "801", name: "Form 7b"}},
			queries:   []string{"leave", "payroll date", "printer", "vpn"},
			pages:     []string{"/", "/requests", "/requests/new"},
		},
		{
			id: Tiny, region: "eu", people: 12, companies: 1,
			walkthrus: []item{{id: "1", name: "Only one", steps: steps(2)}},
			pages:     []string{"/"},
		},
	}
}

// A place is where a visitor is.
type place struct{ code, country, subdivision, city, timezone, language string }

var places = []place{
	{"DE", "Germany", "Land Berlin", "Berlin", "Europe/Berlin", "de-DE"},
	{"DE", "Germany", "Bavaria", "Munich", "Europe/Berlin", "de-DE"},
	{"US", "United States", "New York", "New York", "America/New_York", "en-US"},
	{"US", "United States", "California", "San José", "America/Los_Angeles", "es-US"},
	{"FR", "France", "Île-de-France", "Paris", "Europe/Paris", "fr-FR"},
	{"JP", "Japan", "Tokyo", "Tokyo", "Asia/Tokyo", "ja-JP"},
	{"", "", "", "", "", ""}, // not known
}

// A machine is what a visitor browses with.
type machine struct{ browser, browserVersion, os, osVersion, device string }

var machines = []machine{
	{"Chrome", "140.0", "Windows", "11", "desktop"},
	{"Chrome", "141.0", "Mac OS X", "15.1", "desktop"},
	{"Firefox", "144.0", "Linux", "", "desktop"},
	{"Mobile Safari", "26.0", "iOS", "26.0", "mobile"},
	{"Edge", "140.0", "Windows", "11", "desktop"},
	{"", "", "", "", ""}, // not known
}

// A source is where a visit comes from.
type source struct{ traffic, utmSource, utmMedium, utmCampaign, referrer string }

var sources = []source{
	{"direct", "", "", "", ""},
	{"search", "", "", "", "www.google.com"},
	{"campaign", "newsletter", "email", "spring's \"sale\"", ""},
	{"campaign", "partner", "cpc", "", "partner.example"},
	{"referral", "", "", "", "blog.example"},
	{"social", "", "", "", "www.linkedin.com"},
	{"", "", "", "", ""}, // the policy keeps URLs out
}

// A visitor is a browser and who uses it.
type visitor struct {
	id      string
	user    string // who logs in; empty: nobody does
	other   string // who logs in now and then in the same browser; empty: nobody else
	company string
	place   place
	machine machine
	bot     bool
	author  bool   // plays previews
	env     string // the environment of their pages
	plays   map[string]uint32
}

// visitors are the account's: browsers of people who log in or not, second browsers, shared ones, authors, testers and bots.
func (a *account) visitors(rng *rand.Rand) []*visitor {
	var all []*visitor
	for n := range a.people {
		v := &visitor{
			id: guid(rng), place: places[rng.IntN(len(places))], machine: machines[rng.IntN(len(machines))],
			env: "production", plays: make(map[string]uint32),
		}
		if rng.IntN(10) < 6 {
			v.user = fmt.Sprintf("%s-user-%d", a.id, n)
		}
		if rng.IntN(10) < 7 {
			v.company = fmt.Sprintf("company %d", rng.IntN(a.companies))
		}
		switch rng.IntN(40) {
		case 0:
			v.bot = true
		case 1:
			v.author = true
		case 2:
			v.env = "test"
		case 3:
			v.env = "staging"
		case 4, 5:
			v.env = "" // as rows have it from before there were environments
		case 6:
			v.user, v.other = fmt.Sprintf("%s-user-%d", a.id, n), fmt.Sprintf("%s-user-%d", a.id, max(0, n-1))
		}
		all = append(all, v)
		if v.user != "" && rng.IntN(6) == 0 { // a second browser, elsewhere
			second := *v
			second.id, second.machine, second.place, second.plays = guid(rng), machines[rng.IntN(len(machines))], places[rng.IntN(len(places))], make(map[string]uint32)
			all = append(all, &second)
		}
	}
	return all
}

// guid is a random UUID as text.
func guid(rng *rand.Rand) string { return newID(rng).String() }
