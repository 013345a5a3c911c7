package load

import (
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

const (
	// tooManyParts is ClickHouse's TOO_MANY_PARTS: merges do not keep up with inserts, so fewer and larger ones help. Its memory limit (241) is
	// no such sign: larger blocks would make that worse, and only the pause between tries helps.
	tooManyParts = "252"
	// largestScale and longestAge bound how batches grow; the memory bounds them too, since a batch ends when there is none left.
	largestScale = 32
	longestAge   = 30 * time.Second
	// recovery is what a batch stored at once leaves of the growth: some ten of them halve it.
	recovery = 0.93
)

// Limits each end a batch: rows counted, bytes of decompressed records, time since its first record.
type Limits struct {
	Rows  int
	Bytes int
	Age   time.Duration
}

// A pressure is how much larger than set a partition's batches are. The writer feels it, the reader forms by it.
type pressure struct {
	set   Limits
	scale float64 // from 1 up; 0 is 1
}

// felt takes note of an insert that failed with err.
func (s *pressure) felt(err error) {
	if clickhouse.Code(err) == tooManyParts {
		s.scale = min(2*max(s.scale, 1), largestScale)
	}
}

// eased takes note of a batch that was stored at the first try.
func (s *pressure) eased() { s.scale = max(s.scale*recovery, 1) }

// limits returns where a batch ends now.
func (s *pressure) limits() Limits {
	scale := max(s.scale, 1)
	return Limits{
		Rows: int(float64(s.set.Rows) * scale), Bytes: int(float64(s.set.Bytes) * scale),
		Age: min(time.Duration(float64(s.set.Age)*scale), max(longestAge, s.set.Age)),
	}
}
