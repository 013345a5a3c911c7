// Package enrich turns a raw event into an enriched one: a chain of stages, each a function without I/O.
package enrich

import (
	"errors"
	"fmt"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/geo"
	"github.com/waymark-events/waymark/pkg/recorder"
	"github.com/waymark-events/waymark/pkg/useragent"
)

// maxMillis bounds every time, in Unix milliseconds, so that sums of them cannot overflow.
const maxMillis = recorder.MaxTime

// An Enricher is safe for concurrent use.
type Enricher struct {
	region   string
	window   Window
	accounts *account.Store
	locator  *geo.Locator
	parser   *useragent.Parser
}

// Settings of an Enricher.
type Settings struct {
	// Region is where it runs; events of other regions' accounts are refused.
	Region string
	Window Window
}

// New returns an Enricher that looks things up in what it is given.
func New(s Settings, accounts *account.Store, locator *geo.Locator, parser *useragent.Parser) *Enricher {
	return &Enricher{s.Region, s.Window, accounts, locator, parser}
}

// Enrich fills out, which it overwrites, from raw; enriched_at and epoch are the caller's. A *event.Rejection names the reason why the event is dead; any other
// error is a bug. What out holds then aliases raw.Value, which must live and not change until out is encoded, and what out
// held in Detail before, so that a caller who passes the same message again saves the allocation.
func (e *Enricher) Enrich(raw *event.Raw, out *event.Enriched) error {
	var sent recorder.Event
	if err := recorder.DecodeUnsafe(raw.Value, &sent); err != nil {
		return err
	}
	customer, err := e.admit(raw)
	if err != nil {
		return err
	}
	detail := out.Detail[:0]
	out.Reset()
	if err := e.translate(raw, &sent, out); err != nil {
		return err
	}
	flag(&sent, out)
	out.Detail = appendDetail(detail, &sent.Data)
	redact(out)
	locate(e.locator.Lookup(raw.ClientIP), out)
	describe(e.parser.Parse(raw.UserAgent, hints(&raw.Hints)), sent.Env, out)
	identify(raw, &sent, customer, out)
	protect(raw.ClientIP, sent.Page, customer.Policy, out)
	out.Time, out.TimeFlag = correctTime(int64(sent.Time), raw.SentAt, raw.ReceivedAt, e.window)
	return nil
}

// admit returns the event's account. An unknown one is not waited for: the accounts file may never name it again, and
// its events must not hold up everybody else's. They can be replayed from the dead letters.
func (e *Enricher) admit(raw *event.Raw) (*account.Account, error) {
	if raw.ReceivedAt > maxMillis {
		return nil, event.Reject(event.ReasonBadHeaders, fmt.Errorf("header %q is beyond all time", event.HeaderReceivedAt))
	}
	customer := e.accounts.Directory().ByID(raw.AccountID)
	switch {
	case customer == nil:
		return nil, event.Reject(event.ReasonUnknownAccount, errors.New("the account is not in the accounts file"))
	case customer.Region != e.region:
		return nil, event.Reject(event.ReasonWrongRegion, fmt.Errorf("the account's region is %s, this is %s", customer.Region, e.region))
	}
	return customer, nil
}

// translate fills what the event itself says.
func (e *Enricher) translate(raw *event.Raw, sent *recorder.Event, out *event.Enriched) error {
	itemType, known := sent.ItemType()
	if !known {
		return &event.Rejection{Reason: event.ReasonUnknownItemType, Path: "$.data.type", Err: errors.New("data.type is none that this version knows")}
	}
	if !recorder.Known(itemType, sent.Type) {
		return &event.Rejection{Reason: event.ReasonUnknownEvent, Path: "$.type", Err: fmt.Errorf("type is none of the events of a %s", itemType)}
	}
	out.EventId, out.AccountId, out.Region = raw.EventID[:], raw.AccountID, e.region
	out.RawPartition, out.RawOffset = raw.Partition, raw.Offset
	out.ReceivedAt, out.ClientTime = raw.ReceivedAt, int64(sent.Time)
	out.Event, out.ItemType = sent.Type, itemType
	out.ItemId, out.ItemName, out.InteractionId = string(sent.Data.ID), sent.Data.Name, sent.Data.PlayID
	out.StepId, out.StepName, out.StepIndex = string(sent.Data.Step.ID), sent.Data.Step.Name, -1
	if sent.Data.Step.Index != nil {
		out.StepIndex = *sent.Data.Step.Index
	}
	out.Props = sent.Props
	out.Library, out.LibraryVersion = sent.Library.Name, sent.Library.Version
	return nil
}

// hints renames: pkg/event stays free of what reads them.
func hints(h *event.Hints) useragent.Hints {
	return useragent.Hints{
		UA: h.UA, FullVersionList: h.FullVersionList, FullVersion: h.FullVersion, Mobile: h.Mobile, Model: h.Model,
		Platform: h.Platform, PlatformVersion: h.PlatformVersion, FormFactors: h.FormFactors, RequestedWith: h.RequestedWith,
	}
}
