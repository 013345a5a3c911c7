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

// A pressure is how much larger than set a partition's batches are, from 1 up.
type pressure struct{ scale float64 }

// felt takes note of an insert that failed with err.
func (s *pressure) felt(err error) {
	if clickhouse.Code(err) == tooManyParts {
		s.scale = min(2*max(s.scale, 1), largestScale)
	}
}

// eased takes note of a batch that was stored at the first try.
func (s *pressure) eased() { s.scale = max(s.scale*recovery, 1) }

// limits returns where a batch ends: at so many rows, so many bytes, so long after its first record.
func (s *pressure) limits(set *Settings) (rows, bytes int, age time.Duration) {
	scale := max(s.scale, 1)
	rows, bytes = int(float64(set.Rows)*scale), int(float64(set.Bytes)*scale)
	return rows, bytes, min(time.Duration(float64(set.Age)*scale), max(longestAge, set.Age))
}
