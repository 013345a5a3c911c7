package account

import (
	"errors"
	"fmt"
	"slices"

	"github.com/waymark-events/waymark/pkg/event"
)

// Limits are what an account may send. 0 is no limit. They hold in each edge on its own: n edges let up to n times as much pass.
type Limits struct {
	// Rate is events a second, with bursts of twice as many. Default: the edge's limits.account_rate.
	Rate int `yaml:"rate"`
	// MonthlyQuota is events of a calendar month (UTC).
	MonthlyQuota int64 `yaml:"monthly_quota"`
	// VisitorRate is events a minute of one visitor: what is beyond is dropped, as a page in a loop would fill its partition.
	VisitorRate int `yaml:"visitor_rate"`
	// Drop names events that are answered and not stored.
	Drop []Drop `yaml:"drop"`
}

// A Drop names events by what they are; each member that is set must be the event's own, and one must be.
type Drop struct {
	// Event is what happened: play, step, …
	Event string `yaml:"event"`
	// ItemType is that of the column item_type: walkthru, survey, …
	ItemType string `yaml:"item_type"`
	// Name is the item's name.
	Name string `yaml:"name"`
}

// Drops tells whether the account's drop list names an event.
func (l *Limits) Drops(e *event.Sent) bool {
	return slices.ContainsFunc(l.Drop, func(d Drop) bool {
		return (d.Event == "" || d.Event == e.Event) && (d.ItemType == "" || d.ItemType == e.ItemType) && (d.Name == "" || d.Name == e.ItemName)
	})
}

func (l *Limits) validate() error {
	switch {
	case l.Rate < 0:
		return errors.New("rate: want 0 or more")
	case l.MonthlyQuota < 0:
		return errors.New("monthly_quota: want 0 or more")
	case l.VisitorRate < 0:
		return errors.New("visitor_rate: want 0 or more")
	}
	for i, d := range l.Drop {
		if d == (Drop{}) { // it would be every event
			return fmt.Errorf("drop[%d]: want event, item_type or name", i)
		}
		if d.ItemType != "" && !slices.Contains(event.ItemTypes(), d.ItemType) {
			return fmt.Errorf("drop[%d].item_type: want one of %v", i, event.ItemTypes())
		}
	}
	return nil
}
