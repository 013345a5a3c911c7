package stream

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// Where a claim begins, by what is known. The raw log keeps 100 to 200 and the enriched one 0 to 500, unless a case says otherwise.
func TestResume(t *testing.T) {
	otherID := uuid.MustParse("33333333-0000-4000-8000-000000000003")
	at := func(epoch uint32, log uuid.UUID, stored int64) checkpoint.Enricher {
		return checkpoint.Enricher{Epoch: epoch, Log: log, LeaderEpoch: 1, Enriched: enrichedID, Written: 400, Stored: stored}
	}
	source := func(topic uuid.UUID, epoch uint32, leader int32, offset int64) checkpoint.Source {
		return checkpoint.Source{Topic: topic, Epoch: epoch, LeaderEpoch: leader, Offset: offset}
	}
	settledAt := func(epoch uint32, offset int64) settled {
		return settled{Source: source(rawID, epoch, 1, offset), end: 1000}
	}
	unknown := checkpoint.NewEnricher(0)

	for name, c := range map[string]struct {
		committed int64
		at        checkpoint.Enricher
		change    func(*evidence)
		offset    int64
		leader    int32
		epoch     uint32
		stored    int64
		commit    bool
		causes    string   // of the reports
		lost      []string // topic, from and to
	}{
		"verified: at the committed offset":     {150, at(2, rawID, 120), nil, 150, 1, 2, 120, false, "", nil},
		"verified, and the sink has more":       {150, at(2, rawID, 120), func(e *evidence) { e.mark = settledAt(2, 139) }, 150, 1, 2, 140, false, "", nil},
		"the sink's mark is of an epoch before": {150, at(2, rawID, 120), func(e *evidence) { e.mark = settledAt(1, 199) }, 150, 1, 2, 120, false, "", nil},
		"a higher epoch on the tail":            {150, at(2, rawID, 120), func(e *evidence) { e.tail = settledAt(3, 110) }, 150, 1, 3, 120, false, "", nil},
		"retention took what was not read":      {50, at(0, rawID, 20), nil, 100, -1, 0, 20, true, "", []string{"raw 50-100"}},

		"made anew, and longer than the offset":   {150, at(0, otherID, 120), func(e *evidence) { e.raw.start = 0 }, 0, -1, 0, -1, true, causeRawAnew, []string{"other 150-open"}},
		"made anew, and shorter":                  {150, at(0, otherID, 120), func(e *evidence) { e.raw.start, e.raw.end = 0, 5 }, 0, -1, 0, -1, true, causeRawAnew, []string{"other 150-open"}},
		"made anew, and begun by an owner before": {150, at(0, otherID, 120), func(e *evidence) { e.tail = settledAt(0, 130) }, 131, 1, 0, -1, true, causeRawAnew, []string{"other 150-open"}},
		"made anew, and its retention has begun":  {150, at(0, otherID, 120), nil, 100, -1, 0, -1, true, causeRawAnew, []string{"other 150-open", "raw 0-100"}},
		"both made anew":                          {150, at(0, otherID, 120), func(e *evidence) { e.raw.start, e.enriched.id = 0, otherID }, 0, -1, 0, -1, true, causeRawAnew, []string{"other 150-open", "other 120-150"}},
		"made anew, its offsets dropped":          {-1, unknown, func(e *evidence) { e.raw.start, e.stranger = 0, source(otherID, 0, 0, 149) }, 0, -1, 0, -1, true, causeRawAnew, []string{"other 150-open"}},

		"truncated below the offset":       {150, at(0, rawID, 145), func(e *evidence) { e.cut = 140 }, 140, -1, 0, 140, true, causeRawCut, nil},
		"truncated, and the place is gone": {150, at(0, rawID, 90), func(e *evidence) { e.cut = 100 }, 100, -1, 0, 90, true, causeRawCut, []string{"raw 0-100"}},

		"a new group":                             {-1, unknown, nil, 100, -1, 0, -1, true, "", nil},
		"a forgotten group, by the tail":          {-1, unknown, func(e *evidence) { e.tail = settledAt(4, 179) }, 180, 1, 4, -1, true, causeForgotten, nil},
		"a forgotten group, by the sink":          {-1, unknown, func(e *evidence) { e.mark = settledAt(4, 179) }, 180, 1, 4, 180, true, causeForgotten, nil},
		"a forgotten group, the later counts":     {-1, unknown, func(e *evidence) { e.tail, e.mark = settledAt(4, 150), settledAt(3, 179) }, 151, 1, 4, -1, true, causeForgotten, nil},
		"a forgotten group on a log that was cut": {-1, unknown, func(e *evidence) { e.tail = settled{Source: source(rawID, 0, 1, 179), end: 160} }, 160, -1, 0, -1, true, causeForgotten, nil},

		"set back":            {120, unknown, func(e *evidence) { e.foreign, e.tail = true, settledAt(4, 179) }, 120, -1, 4, -1, true, causeBack, nil},
		"set forward":         {190, unknown, func(e *evidence) { e.foreign, e.tail = true, settledAt(4, 179) }, 190, -1, 4, -1, true, causeForward, []string{"raw 180-190"}},
		"set to where it was": {180, unknown, func(e *evidence) { e.foreign, e.tail = true, settledAt(4, 179) }, 180, -1, 4, -1, true, "", nil},
		"set beyond the end":  {900, unknown, func(e *evidence) { e.foreign, e.tail = true, settledAt(4, 179) }, 180, 1, 4, -1, true, causeBeyond, nil},
		"set beyond the end of a log that nobody knows": {900, unknown, func(e *evidence) { e.foreign = true }, 100, -1, 0, -1, true, causeBeyond, []string{"raw 0-100"}},
		"set on a log that nobody knows":                {130, unknown, func(e *evidence) { e.foreign = true }, 130, -1, 0, -1, true, causeForward, []string{"raw 100-130"}},
		"a deliberate re-enrichment":                    {120, checkpoint.NewEnricher(5), func(e *evidence) { e.tail, e.mark = settledAt(4, 179), settledAt(4, 170) }, 120, -1, 5, -1, true, "", nil},

		"the enriched topic was made anew":             {150, at(2, rawID, 120), func(e *evidence) { e.enriched.id = otherID }, 120, -1, 3, 120, true, causeEnrichedLost, nil},
		"the enriched log ends too early":              {150, at(2, rawID, 120), func(e *evidence) { e.enriched.end = 399 }, 120, -1, 3, 120, true, causeEnrichedLost, nil},
		"the enriched log was cut and has grown again": {150, at(2, rawID, 120), func(e *evidence) { e.replaced = true }, 120, -1, 3, 120, true, causeEnrichedLost, nil},
		"the enriched topic was made anew, and the sink has read the new one": {150, at(2, rawID, 120), func(e *evidence) {
			e.enriched.id, e.mark = otherID, settledAt(2, 155)
		}, 120, -1, 3, 120, true, causeEnrichedLost, nil},
		"the enriched topic was made anew, and nobody knows the sink":           {150, at(2, rawID, -1), func(e *evidence) { e.enriched.id = otherID }, 100, -1, 3, -1, true, causeEnrichedLost, []string{"raw 0-100"}},
		"the enriched topic was made anew, and raw's retention passed the sink": {150, at(2, rawID, 60), func(e *evidence) { e.enriched.id = otherID }, 100, -1, 3, 60, true, causeEnrichedLost, []string{"raw 60-100"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := evidence{
				region: "us", committed: c.committed, at: c.at, cut: -1, raw: bounds{rawID, 100, 200}, enriched: bounds{enrichedID, 0, 500},
			}
			if c.change != nil {
				c.change(&e)
			}
			d := resume(e)
			if want := (kafka.Position{Offset: c.offset, LeaderEpoch: c.leader}); d.Position != want || d.epoch != c.epoch || d.stored != c.stored || d.commit != c.commit {
				t.Errorf("begins at %v under epoch %d, stored %d, commit %v; want %v, %d, %d, %v", d.Position, d.epoch, d.stored, d.commit, want, c.epoch, c.stored, c.commit)
			}
			var found, lost []string
			for _, r := range d.reports {
				if r.cause != "" {
					found = append(found, r.cause)
				}
				if r.lost {
					to := fmt.Sprint(r.to)
					if r.to == open {
						to = "open"
					}
					lost = append(lost, fmt.Sprintf("%s %d-%s", map[uuid.UUID]string{rawID: "raw", otherID: "other"}[r.topic], r.from, to))
				}
				if r.cause == causeRawAnew && strings.Contains(r.text, "reenrich") {
					t.Error("a re-enrichment of a log that was made anew is recommended")
				}
			}
			if strings.Join(found, " ") != c.causes || strings.Join(lost, ", ") != strings.Join(c.lost, ", ") {
				t.Errorf("says %v, lost %v; want %v, %v", found, lost, c.causes, c.lost)
			}
			if d.written != 0 && (d.commit || d.written != c.at.Written) && c.committed >= e.raw.start {
				t.Errorf("written is %d", d.written)
			}
		})
	}
}
