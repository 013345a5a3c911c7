package demo

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/recorder"
)

// A visitor is one person with one browser. All but the memory follows from the seed and the visitor's number, so the same
// people come back when the demo is started again.
type visitor struct {
	guid, user, provider string
	company              string // where they work; empty where it is not known
	author               bool   // tries their own items out
	place                *place
	addr                 netip.Addr
	agent                *agent
	screen               recorder.Screen
	language             string
	skew                 time.Duration // of the visitor's clock; positive is ahead

	// What the visitor did before.
	visits    int
	tasks     uint32 // bit i: task i is done
	lessons   int    // of the course, done
	busyUntil time.Time
	plays     map[string]uint32 // of an item
}

// again counts one more play of an item, from 1.
func (v *visitor) again(item string) uint32 {
	if v.plays == nil {
		v.plays = make(map[string]uint32)
	}
	v.plays[item]++
	return v.plays[item]
}

// newVisitor makes visitor number n of an account.
func newVisitor(seed uint64, account, n int, agents []agent) *visitor {
	rng := rand.New(rand.NewPCG(seed, uint64(account)<<32|uint64(n)))
	v := &visitor{place: pickPlace(rng), agent: &agents[weighted(rng, len(agents), func(i int) float64 { return agents[i].weight })]}
	v.addr = v.place.address(rng)
	v.guid = randomUUID(rng).String()
	// A third are logged in where the account identifies them.
	if rng.Float64() < 0.33 {
		v.user, v.provider = "u-"+v.guid[:8], "variable"
	}
	v.screen = pick(rng, desktopScreens)
	if v.agent.mobile {
		v.screen = pick(rng, mobileScreens)
	}
	// Most have been here before anybody looked.
	v.visits = max(0, rng.IntN(8)-2)
	v.language = v.place.language
	if rng.Float64() < 0.12 {
		v.language = "en-US"
	}
	// Most clocks are within a second, some are minutes off.
	v.skew = time.Duration(rng.NormFloat64() * float64(300*time.Millisecond)).Truncate(time.Millisecond)
	if rng.Float64() < 0.03 {
		v.skew = time.Duration(rng.NormFloat64() * float64(7*time.Minute)).Truncate(time.Millisecond)
	}
	if v.user != "" {
		v.company = pick(rng, []string{"acme", "globex", "initech", "umbrella", "hooli"})
	}
	v.author = rng.Float64() < 0.01
	return v
}

var (
	desktopScreens = []recorder.Screen{{Width: 1920, Height: 1080}, {Width: 1920, Height: 1080}, {Width: 1536, Height: 864}, {Width: 1440, Height: 900}, {Width: 2560, Height: 1440}, {Width: 1366, Height: 768}}
	mobileScreens  = []recorder.Screen{{Width: 390, Height: 844}, {Width: 393, Height: 873}, {Width: 412, Height: 915}, {Width: 360, Height: 800}, {Width: 820, Height: 1180}}
)

// awake is how likely the visitor is at work, 0 to 1: by the hour and the day where they live.
func (v *visitor) awake(now time.Time) float64 {
	local := now.UTC().Add(v.place.offset)
	share := hours[local.Hour()]
	if day := local.Weekday(); day == time.Saturday || day == time.Sunday {
		share *= 0.35
	}
	return share
}

// hours is the share of an office day's peak that each hour sees.
var hours = [24]float64{.06, .04, .03, .03, .04, .07, .15, .35, .7, .95, 1, .95, .7, .85, 1, .95, .85, .65, .45, .4, .38, .3, .2, .1}

func randomUUID(rng *rand.Rand) (id uuid.UUID) {
	high, low := rng.Uint64(), rng.Uint64()
	for i := range 8 {
		id[i], id[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	id[6], id[8] = 0x40|id[6]&0x0f, 0x80|id[8]&0x3f
	return id
}
