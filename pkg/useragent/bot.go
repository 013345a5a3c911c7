package useragent

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/ua-parser/uap-go/uaparser"

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
// product that calls itself a bot, or stands where a bot's does, then what the list finds in an address, then the first
// product that is not what every browser says. It is never "".
func (c *crawlers) name(ua, family string, isSpider bool) string {
	bare := links.ReplaceAllString(ua, "")
	if name := c.listed(bare); name != "" {
		return name
	}
	if isSpider && family != "" && !commonFamilies[family] {
		return family
	}
	if name := trim(selfNamed.FindString(bare)); name != "" {
		return name
	}
	return cmp.Or(firstProduct(ownPart(bare)), c.listed(ua), firstProduct(bare), family, unnamed)
}

// unnamed is a bot that gives no more than an address, which may be a person's, or what every browser says.
const unnamed = "unnamed"

func (c *crawlers) listed(ua string) string {
	hits := c.filter.Scan(ua)
	defer hits.Release()
	for i, l := range c.compiled {
		if !hits.Candidate(i) || !l.matches(ua) {
			continue
		}
		if at := (*l.to).FindStringIndex(ua); at != nil {
			for at[0] > 0 && isWord(ua[at[0]-1]) && isWord(ua[at[0]]) {
				at[0]-- // "Fetch" of "PriceFetch" would name nobody
			}
			if name := trim(ua[at[0]:at[1]]); name != "" {
				return name
			}
		}
	}
	return ""
}

func isWord(b byte) bool {
	return isDigit(b) || 'a' <= b|0x20 && b|0x20 <= 'z'
}

var selfNamed = regexp.MustCompile(`(?i)[a-z0-9._-]*(?:bot|crawler|spider)\b`)

// links are the addresses that bots give. Their words name nobody: https://openai.com/bot is no browser "com/bot".
var links = regexp.MustCompile(`(?i)\+?(?:https?:|www\.)[^\s;,)]*|\+?\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/[a-z][^\s;,)]*|[^\s;,()<]+@[^\s;,()>]+`)

// browserBesideLinks asks again for a bot's browser where addresses could have been taken for one.
func (r *rules) browserBesideLinks(ua string, found uaparser.UserAgent) uaparser.UserAgent {
	bare := links.ReplaceAllString(ua, "")
	if bare == ua {
		return found
	}
	hits := r.filter.Scan(bare)
	defer hits.Release()
	return r.browser(bare, hits)
}

// ownPart is what a bot says of itself: all, or what follows "compatible;" where it says what browsers say.
func ownPart(ua string) string {
	if !strings.HasPrefix(ua, "Mozilla/") && !strings.HasPrefix(ua, "Opera/") {
		return ua
	}
	if _, own, ok := strings.Cut(ua, "compatible;"); ok && !strings.HasPrefix(own, " MSIE") {
		return own
	}
	return ""
}

// firstProduct is the first product, or word, that is not one of those that all browsers say.
func firstProduct(ua string) string {
	for _, word := range strings.FieldsFunc(ua, func(r rune) bool { return strings.ContainsRune(" ;,()[]<>|\"'", r) }) {
		if name := trim(word); name != "" && !isDigit(name[0]) && !language.MatchString(name) && !everyBrowsers[strings.ToLower(name)] {
			return name
		}
	}
	return ""
}

var everyBrowsers = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields("mozilla applewebkit khtml like gecko chrome safari version mobile compatible " +
		"x11 linux u android build k wv windows nt win64 wow64 x64 x86_64 i686 macintosh intel mac os x iphone ipad ipod cpu") {
		out[w] = true
	}
	return out
}()

// commonFamilies are the browsers that a spider may claim to be.
var commonFamilies = map[string]bool{
	"IE": true, "Chrome": true, "Chrome Mobile": true, "Chrome Mobile WebView": true, "Safari": true, "Mobile Safari": true, "Mobile Safari UI/WKWebView": true,
	"Firefox": true, "Edge": true, "Opera": true, "Android": true, "Apple Mail": true,
}

// maxName is in bytes. What is longer is a token or a key, not a name.
const maxName = 64

// trim leaves of what a pattern matched the name: "Googlebot/" is "Googlebot".
func trim(match string) string {
	name, _, _ := strings.Cut(match, "/")
	if name = strings.Trim(name, " ;:,()[]+-_."); len(name) > maxName {
		return ""
	}
	return strings.Clone(name)
}
