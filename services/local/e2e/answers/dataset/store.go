package dataset

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
)

// store has the events received, enriched and inserted: some late, some twice, some replaced, in blocks of all sizes.
func store(rng *rand.Rand, events []*Event) *Set {
	set := new(Set)
	rows := make([]*Event, 0, len(events)*11/10)
	for _, e := range events {
		rows = append(rows, deliver(rng, e)...)
	}
	slices.SortStableFunc(rows, func(a, b *Event) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	// Partitions are read side by side: a record may come some thousands of others later.
	for i := range rows {
		j := min(len(rows)-1, i+rng.IntN(3000))
		rows[i], rows[j] = rows[j], rows[i]
	}
	for len(rows) > 0 {
		n := min(len(rows), []int{1, 7, 900, 4_000, 12_000}[rng.IntN(5)]+rng.IntN(50))
		for i := range rows[:n] {
			rows[i].InsertedAt = rows[i].EnrichedAt.Add(time.Duration(300+rng.IntN(4000)) * time.Millisecond)
		}
		set.Blocks = append(set.Blocks, rows[:n:n])
		rows = rows[n:]
	}
	set.Erased = erased(rng, events)
	return set
}

// deliver returns the rows that an event becomes.
func deliver(rng *rand.Rand, e *Event) []*Event {
	e.ReceivedAt = e.Time.Add(time.Duration(20+rng.IntN(2000)) * time.Millisecond)
	switch rng.IntN(50) {
	case 0:
		e.ReceivedAt = e.Time.Add(26*time.Hour + time.Duration(rng.IntN(3_600_000))*time.Millisecond)
	case 1:
		e.ReceivedAt = e.Time.Add(90 * time.Minute)
	}
	switch rng.IntN(200) {
	case 0:
		e.TimeFlag, e.Flags = ClampedFuture, append(e.Flags, "clamped:time")
	case 1:
		e.TimeFlag, e.Flags = ClampedPast, append(e.Flags, "clamped:time")
	case 2:
		e.Flags = append(e.Flags, "cut:page.title")
	case 3:
		e.Flags = append(e.Flags, "cut:page.title", "converted:user.id")
	}
	e.EnrichedAt = e.ReceivedAt.Add(time.Duration(5+rng.IntN(900)) * time.Millisecond)
	rows := []*Event{e}
	again := func(after time.Duration, change func(e *Event)) {
		double := *e
		double.ReceivedAt, double.EnrichedAt = e.ReceivedAt.Add(after), e.EnrichedAt.Add(after)
		change(&double)
		rows = append(rows, &double)
	}
	switch rng.IntN(100) {
	case 0: // the sink's batch came again: the same row in another block
		again(0, func(*Event) {})
	case 1, 2: // the client sent it again, later than the enricher remembers
		again(3*time.Hour, func(*Event) {})
	case 3: // and its clock was corrected a little otherwise
		again(10*time.Minute, func(e *Event) {
			if shifted := e.Time.Add(3 * time.Millisecond); shifted.Day() == e.Time.Day() {
				e.Time = shifted
			}
		})
	case 4: // re-enriched, with a better geolocation
		again(40*time.Hour, func(e *Event) {
			better := places[(len(e.Visitor)+int(e.ID[0]))%len(places)]
			e.Epoch, e.CountryCode, e.Country, e.Subdivision, e.City = 1, better.code, better.country, better.subdivision, better.city
		})
	case 5:
		if rng.IntN(4) == 0 { // the same id by a clock of another day: another key
			again(5*time.Minute, func(e *Event) { e.ClientTime = e.ClientTime.Add(25 * time.Hour) })
		}
	}
	return rows
}

// erased are a few people of the two larger accounts, of those who log in and of those who do not.
func erased(rng *rand.Rand, events []*Event) []Person {
	var people []Person
	for len(people) < 12 {
		e := events[rng.IntN(len(events))]
		if e.Account != Tiny && e.User != "" && !slices.Contains(people, Person{e.Account, e.User}) {
			people = append(people, Person{e.Account, e.User})
		}
	}
	return people
}

// dead are records that could not be used, of all days; a tenth of them was given up twice.
func dead(rng *rand.Rand) []*Dead {
	var rows []*Dead
	topic := uuid.MustParse("7c0e1f7e-58c0-4a55-9d0c-0f3a5c5b0001")
	for n := range 600 {
		why := [][2]string{{"decode", "malformed_json"}, {"decode", "wrong_type"}, {"enrich", "unknown_item_type"}, {"insert", "refused"}}[rng.IntN(4)]
		received := FirstDay.Add(time.Duration(rng.Int64N(int64(LastDay.Sub(FirstDay)))).Truncate(time.Millisecond))
		d := &Dead{
			Region: "eu", Account: []string{Acme, Globex, ""}[rng.IntN(3)], Stage: why[0], Reason: why[1], ID: newID(rng), ReceivedAt: received,
			FailedAt: received.Add(2 * time.Second), Topic: "events.raw.eu", TopicID: topic, Partition: int32(n % 8), Offset: int64(n), InsertedAt: received.Add(4 * time.Second),
		}
		rows = append(rows, d)
		if n%10 == 0 {
			rows = append(rows, d)
		}
	}
	return rows
}

// fresh are events without doubles, since what is fresh is told of rows as they are stored, of which merges take doubles away. They come quickly and
// slowly, some after days, and around a midnight.
func fresh(rng *rand.Rand) []*Event {
	after := func(at time.Time, upTo time.Duration) time.Time {
		return at.Add(time.Duration(rng.Int64N(int64(upTo))).Truncate(time.Millisecond))
	}
	events := make([]*Event, 3000)
	for i := range events {
		e := &Event{ID: newID(rng), Account: Fresh, Region: "eu", ItemType: "page", Name: "view", Visitor: "v", User: "v", Environment: "test", StepIndex: -1, Flags: []string{}}
		e.Time = after(FirstDay.AddDate(0, 0, 22).Add(22*time.Hour), 4*time.Hour)
		e.ReceivedAt = after(e.Time, []time.Duration{3 * time.Second, 50 * time.Hour}[rng.IntN(50)/49])
		e.EnrichedAt = after(e.ReceivedAt, time.Second)
		e.InsertedAt = after(e.EnrichedAt, []time.Duration{5 * time.Second, 15 * time.Minute}[rng.IntN(2)])
		e.ClientTime, e.Expires = e.Time, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
		events[i] = e
	}
	return events
}
