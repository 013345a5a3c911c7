package useragent

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"

	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

// A cache holds the last answers. Its policy is W-TinyLFU: one-off user agents, random ones among them, do not push out
// those that come again and again. An entry is some 300 bytes: the key is a digest, and the values' strings are short.
type cache struct {
	answers *otter.Cache[digest, *Environment]
	seeds   [2]maphash.Seed
	hits    prometheus.Counter
	misses  prometheus.Counter
}

// A digest is 128 bits of two hashes with random seeds: nobody outside can make two user agents collide, and by chance
// none ever do.
type digest [2]uint64

func newCache(entries int, reg prometheus.Registerer) (*cache, error) {
	answers, err := otter.New(&otter.Options[digest, *Environment]{
		MaximumSize: entries,
		Executor:    func(task func()) { task() }, // no goroutine of its own: what is due is done by the caller
	})
	if err != nil {
		return nil, fmt.Errorf("make the user agent cache: %w", err)
	}
	c := &cache{
		answers: answers, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		hits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_enricher_useragent_cache_hits_total", Help: "User agents answered from the cache.",
		}),
		misses: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_enricher_useragent_cache_misses_total", Help: "User agents worked out.",
		}),
	}
	if reg == nil {
		return c, nil
	}
	return c, errors.Join(telemetry.Share(reg, &c.hits), telemetry.Share(reg, &c.misses))
}

// key digests what Parse looks at. What lies beyond MaxLength makes no other key.
func (c *cache) key(ua string, h Hints) digest {
	var d digest
	for i, s := range [...]string{
		ua[:min(len(ua), MaxLength)], h.UA, h.FullVersionList, h.FullVersion, h.Mobile, h.Model, h.Platform, h.PlatformVersion, h.FormFactors, h.RequestedWith,
	} {
		if s != "" { // most hints are
			d[0] = mix(d[0]+uint64(i), maphash.String(c.seeds[0], s))
			d[1] = mix(d[1]+uint64(i), maphash.String(c.seeds[1], s))
		}
	}
	return d
}

// mix joins a hash to those before it, so that order and place count. The factor is 2^64 over the golden ratio.
func mix(sum, hash uint64) uint64 {
	return bits.RotateLeft64(sum*0x9e3779b97f4a7c15, 29) ^ hash
}

func (c *cache) get(key digest) (*Environment, bool) {
	e, ok := c.answers.GetIfPresent(key)
	if ok {
		c.hits.Inc()
	} else {
		c.misses.Inc()
	}
	return e, ok
}

func (c *cache) put(key digest, e *Environment) { c.answers.Set(key, e) }
