package useragent

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/waymark-events/waymark/pkg/useragent/internal/filter"
)

// crawlers name a bot. Their patterns also fit many things that are none, so they are never asked whether one is.
type crawlers struct {
	filter   *filter.Filter
	compiled []*lazy
}

func newCrawlers() (*crawlers, error) {
	expressions := lines(crawlersList)
	f, err := filter.New(expressions)
	if err != nil {
		return nil, fmt.Errorf("read the crawlers' patterns: %w", err)
	}
	c := &crawlers{filter: f}
	for _, e := range expressions {
		c.compiled = append(c.compiled, &lazy{source: e, to: new(*regexp.Regexp)})
	}
	return c, nil
}

// name prefers the words that the list matches, then uap-core's family where its device rules know a spider, then a
// product that calls itself a bot.
func (c *crawlers) name(ua, family string, isSpider bool) string {
	hits := c.filter.Scan(ua)
	defer hits.Release()
	for i, l := range c.compiled {
		if !hits.Candidate(i) || !l.matches(ua) {
			continue
		}
		if name := trim((*l.to).FindString(ua)); name != "" {
			return name
		}
	}
	if isSpider && family != "" {
		return family
	}
	if name := trim(selfNamed.FindString(ua)); name != "" {
		return name
	}
	return family
}

var selfNamed = regexp.MustCompile(`(?i)[a-z0-9._-]*(?:bot|crawler|spider)\b`)

// trim leaves of what a pattern matched the name: "Googlebot/" is "Googlebot".
func trim(match string) string {
	name, _, _ := strings.Cut(match, "/")
	return strings.Clone(strings.Trim(name, " ;:,()[]+-_."))
}
