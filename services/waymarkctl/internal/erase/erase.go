// Package erase takes a person out of a region: it says so on the erasures' topic, which enricher and sink obey (pkg/erasure), waits until
// nothing of theirs can newly come into the tables, deletes what is there, and looks that nothing is left.
//
// # Order, and what a crash leaves
//
//  1. resolve: which visitors only this user was. They are erased along: events from before the user logged in name the visitor alone.
//  2. bury: one tombstone each, acknowledged by all in-sync replicas.
//  3. settle: the lease passes, and inserts that were under way end.
//  4. delete: dead letters first, then visitors' rows, then users'. The server goes on by itself once it has taken a statement.
//  5. verify: count, and delete again, until there is nothing.
//  6. model: what is computed from events loses the person's rows, and gets back what remains of them (model.go).
//
// It may be killed anywhere and run again. A tombstone that was written is written again under the same key; a deletion is repeated. What links a
// visitor to the user are rows of both, and those go with the visitor's or after them: a second run finds every visitor that the first had
// not taken.
package erase

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
)

// A Region is where.
type Region struct {
	Name   string
	Client *kafka.Client
	Conn   *clickhouse.Conn
	Keys   erasure.Keys
}

// A Request says whose events. One of User, Visitor and Company is set, or none and a span of time.
type Request struct {
	Account                string
	User, Visitor, Company string
	// Pseudonyms are what is stored in the user's place, under each key that there is.
	Pseudonyms []string
	// From and To bound the time of the events, To excluded; zero for no bound.
	From, To time.Time
	Mode     erasure.Mode
	// Suppress keeps out what is received later, too.
	Suppress bool
	// Margin is how much an edge's clock may be ahead of this machine's: events received up to so much after now are erased, too.
	Margin time.Duration
	// Wait bounds the time until nothing is left.
	Wait time.Duration
}

// kind returns what the request is about, and the identifiers, all of the same.
func (r *Request) kind() (erasure.Kind, []string) {
	switch {
	case r.User != "":
		return erasure.User, append([]string{r.User}, r.Pseudonyms...)
	case r.Visitor != "":
		return erasure.Visitor, []string{r.Visitor}
	case r.Company != "":
		return erasure.Company, []string{r.Company}
	}
	return erasure.Span, []string{""}
}

// Validate says what is wrong with a request.
func (r *Request) Validate() error {
	named := 0
	for _, id := range []string{r.User, r.Visitor, r.Company} {
		if id != "" {
			named++
		}
	}
	switch {
	case r.Account == "":
		return errors.New("--account is needed")
	case named > 1:
		return errors.New("want one of --user, --visitor and --company")
	case named == 0 && (r.From.IsZero() || r.To.IsZero()):
		return errors.New("want one of --user, --visitor and --company, or a span with --from and --to")
	case !r.From.IsZero() && !r.To.IsZero() && !r.To.After(r.From):
		return errors.New("--to must lie after --from")
	case r.Margin < 0 || r.Margin > time.Hour:
		return errors.New("--margin: want 0–1h")
	}
	return nil
}

// An Erasure is a request that was looked into.
type Erasure struct {
	Region
	Request
	// Told hears of each step.
	Told func(sentence string)

	salt       string
	tombstones []*erasure.Tombstone
	persons    []person // in the order in which they are deleted
	linked     []string // visitors who named one of them, whose own rows stay
	receipt    *Receipt
	buried     time.Time
}

// Prepare resolves a request and counts what it means. It changes nothing.
func Prepare(ctx context.Context, in Region, r Request, told func(string)) (*Erasure, error) {
	if len(in.Keys) == 0 {
		return nil, fmt.Errorf("regions.%s.erasure.secret is not configured: without the secret that the region's enrichers and sinks have, too, they would store again what is erased", in.Name)
	}
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	e := &Erasure{Region: in, Request: r, Told: told, salt: hex.EncodeToString(salt)}
	known, err := erasure.Read(ctx, in.Client, schemas.ErasuresTopic(in.Name), in.Keys)
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return nil, fmt.Errorf("%w; run waymarkctl topics apply --region %s", err, in.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := e.resolve(ctx, known); err != nil {
		return nil, err
	}
	if err := e.links(ctx); err != nil {
		return nil, err
	}
	return e, e.look(ctx)
}

// resolve makes the tombstones, and what goes with each in the tables.
func (e *Erasure) resolve(ctx context.Context, known *erasure.Set) error {
	e.receipt = &Receipt{Region: e.Name, Account: e.Account, Mode: e.Mode, Suppress: e.Suppress, StartedAt: time.Now().UTC()}
	kind, ids := e.kind()
	var alone []string
	if kind == erasure.User {
		var err error
		if alone, e.receipt.VisitorsShared, err = e.visitors(ctx); err != nil {
			return err
		}
		e.receipt.VisitorsAlong = len(alone)
	}
	for _, visitor := range alone {
		e.tombstone(known, erasure.Visitor, visitor)
	}
	for _, id := range ids {
		e.tombstone(known, kind, id)
	}
	for len(alone) > mostListed {
		e.persons = append(e.persons, e.person(erasure.Visitor, alone[:mostListed]))
		alone = alone[mostListed:]
	}
	e.persons = append(e.persons, e.person(kind, ids, alone...))
	e.receipt.ReceivedUntil = time.UnixMilli(e.tombstones[0].ReceivedUntil).UTC()
	return nil
}

// tombstone adds one. Its moment never lies before that of the one that is there.
func (e *Erasure) tombstone(known *erasure.Set, kind erasure.Kind, id string) {
	t := &erasure.Tombstone{Account: e.Account, Kind: kind, From: millis(e.From), To: millis(e.To), Mode: e.Mode, Suppress: e.Suppress, MadeAt: e.receipt.StartedAt.UnixMilli()}
	if kind != erasure.Span {
		t.Key, t.Digest = e.Keys[0].Fingerprint, e.Keys[0].Digest(e.Account, kind, id)
	}
	t.ReceivedUntil = e.receipt.StartedAt.Add(e.Margin).UnixMilli()
	if before := known.Get(t.ID()); before != nil {
		t.ReceivedUntil, t.MadeAt = max(t.ReceivedUntil, before.ReceivedUntil), before.MadeAt
	}
	e.tombstones = append(e.tombstones, t)
	e.receipt.Tombstones = append(e.receipt.Tombstones, t.ID())
}

// millis is 0 for the zero time.
func millis(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

// look fills what the receipt says before anything is done.
func (e *Erasure) look(ctx context.Context) error {
	events, letters, err := e.left(ctx)
	if err != nil {
		return err
	}
	e.receipt.Events, e.receipt.DeadEvents, e.receipt.Letters = events, letters.rows, len(letters.kept)
	if e.receipt.Model, err = e.modelRows(ctx); err != nil {
		return err
	}
	if e.receipt.NotErased, err = e.derived(ctx); err != nil {
		return err
	}
	e.receipt.Kafka, err = e.copies(ctx)
	return err
}

// Receipt is what is known by now.
func (e *Erasure) Receipt() *Receipt { return e.receipt }

// Run erases. After an error it can be run again from the start.
func (e *Erasure) Run(ctx context.Context) (*Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Wait)
	defer cancel()
	for _, step := range []func(context.Context) error{e.bury, e.settle, e.clear, e.model} {
		if err := step(ctx); err != nil {
			if over(ctx) && !errors.Is(ctx.Err(), context.Canceled) {
				err = fmt.Errorf("it is not done after --wait %s (run the same again): %w", e.Wait, err)
			}
			return e.receipt, err
		}
	}
	e.receipt.Took = time.Since(e.receipt.StartedAt).Round(time.Millisecond)
	e.receipt.Done = true
	return e.receipt, nil
}

// bury writes the tombstones.
func (e *Erasure) bury(ctx context.Context) error {
	records := make([]event.Record, len(e.tombstones))
	for i, t := range e.tombstones {
		records[i] = t.Record()
	}
	producer := e.Client.NewProducer(kafka.DefaultProducerConfig())
	_, err := producer.Produce(ctx, schemas.ErasuresTopic(e.Name), 0, records)
	if err = errors.Join(err, producer.Close(ctx)); err != nil {
		return fmt.Errorf("write the tombstones to %s: %w", schemas.ErasuresTopic(e.Name), err)
	}
	e.buried = time.Now()
	e.Told(fmt.Sprintf("%d tombstones are written", len(records)))
	return nil
}
