package useragent

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/ua-parser/uap-go/uaparser"
	"go.yaml.in/yaml/v3"

	"github.com/waymark-events/waymark/pkg/useragent/internal/filter"
)

var (
	//go:embed data/regexes.yaml.gz
	regexesYAML []byte
	//go:embed data/bots.txt
	botsList string
	//go:embed data/doubtful.txt
	doubtfulList string
	//go:embed data/crawlers.txt
	crawlersList string
)

// rules are uap-core's three lists and the patterns of bots, behind one filter. They are read once a process; an
// expression is compiled when a text first comes past the filter to it, since most never are.
type rules struct {
	*uaparser.RegexDefinitions
	crawlers *crawlers
	filter   *filter.Filter
	// Of each expression, numbered as in the filter: browsers, systems, devices, bots, what may be one.
	compiled   []*lazy
	osAt       int
	deviceAt   int
	botAt      int
	doubtfulAt int
}

var loadRules = sync.OnceValues(readRules)

func readRules() (*rules, error) {
	yamlText, err := gunzip(regexesYAML)
	if err != nil {
		return nil, fmt.Errorf("read uap-core's rules: %w", err)
	}
	r := &rules{RegexDefinitions: &uaparser.RegexDefinitions{}}
	if err := yaml.Unmarshal(yamlText, r.RegexDefinitions); err != nil {
		return nil, fmt.Errorf("decode uap-core's rules: %w", err)
	}
	var expressions []string
	add := func(flags, expression string, compiled **regexp.Regexp) {
		if flags != "" {
			expression = "(?" + flags + ")" + expression
		}
		expressions = append(expressions, expression)
		r.compiled = append(r.compiled, &lazy{source: expression, to: compiled})
	}
	for _, p := range r.UA {
		add(p.Flags, p.Expr, &p.Reg)
		orDefault(&p.FamilyReplacement, "$1")
		orDefault(&p.V1Replacement, "$2")
		orDefault(&p.V2Replacement, "$3")
		orDefault(&p.V3Replacement, "$4")
	}
	r.osAt = len(expressions)
	for _, p := range r.OS {
		add(p.Flags, p.Expr, &p.Reg)
		orDefault(&p.OSReplacement, "$1")
		orDefault(&p.V1Replacement, "$2")
		orDefault(&p.V2Replacement, "$3")
		orDefault(&p.V3Replacement, "$4")
		orDefault(&p.V4Replacement, "$5")
	}
	r.deviceAt = len(expressions)
	for _, p := range r.Device {
		add(p.Flags, p.Expr, &p.Reg)
		orDefault(&p.DeviceReplacement, "$1")
		orDefault(&p.ModelReplacement, "$1")
	}
	r.botAt = len(expressions)
	for _, p := range lines(botsList) {
		add("i", p, new(*regexp.Regexp))
	}
	r.doubtfulAt = len(expressions)
	for _, p := range lines(doubtfulList) {
		add("i", p, new(*regexp.Regexp))
	}
	if r.filter, err = filter.New(expressions); err != nil {
		return nil, fmt.Errorf("read the rules' expressions: %w", err)
	}
	if r.crawlers, err = newCrawlers(); err != nil {
		return nil, err
	}
	return r, nil
}

// orDefault sets what the specification of uap-core says of an absent replacement
// (https://github.com/ua-parser/uap-core/blob/master/docs/specification.md).
func orDefault(replacement *string, value string) {
	if *replacement == "" {
		*replacement = value
	}
}

// What all rules say of a user agent.
type answers struct {
	browser uaparser.UserAgent
	system  uaparser.Os
	device  uaparser.Device
	isBot   bool
}

// ask lets what fits phones as well as bots count only where no maker's phone is known.
func (r *rules) ask(ua string) answers {
	hits := r.filter.Scan(ua)
	defer hits.Release()
	a := answers{browser: r.browser(ua, hits), system: r.system(ua, hits), device: r.device(ua, hits)}
	a.isBot = a.device.Brand == spider || r.any(r.botAt, r.doubtfulAt, ua, hits) ||
		!isPhone(a.device) && r.any(r.doubtfulAt, len(r.compiled), ua, hits)
	return a
}

// isPhone reports whether a device is a maker's phone or television, and no computer.
func isPhone(d uaparser.Device) bool {
	return d.Brand != "" && d.Brand != "Generic" && !strings.HasPrefix(d.Brand, "Generic_Android") && d.Family != "Mac"
}

// browser returns what the first matching rule in file order says, as uap-go does.
func (r *rules) browser(ua string, hits *filter.Hits) (out uaparser.UserAgent) {
	for i, p := range r.UA {
		if !hits.Candidate(i) || !r.compiled[i].matches(ua) {
			continue
		}
		if p.Match(ua, &out); out.Family != "" {
			return out
		}
	}
	out.Family = other
	return out
}

func (r *rules) system(ua string, hits *filter.Hits) (out uaparser.Os) {
	for i, p := range r.OS {
		if !hits.Candidate(r.osAt+i) || !r.compiled[r.osAt+i].matches(ua) {
			continue
		}
		if p.Match(ua, &out); out.Family != "" {
			return out
		}
	}
	out.Family = other
	return out
}

func (r *rules) device(ua string, hits *filter.Hits) (out uaparser.Device) {
	for i, p := range r.Device {
		if !hits.Candidate(r.deviceAt+i) || !r.compiled[r.deviceAt+i].matches(ua) {
			continue
		}
		if p.Match(ua, &out); out.Family != "" {
			return out
		}
	}
	out.Family = other
	return out
}

// any reports whether one of the expressions from first to before end matches.
func (r *rules) any(first, end int, ua string, hits *filter.Hits) bool {
	for i := first; i < end; i++ {
		if hits.Candidate(i) && r.compiled[i].matches(ua) {
			return true
		}
	}
	return false
}

// other is uap-core's word for what no rule knows.
const other = "Other"

// A lazy expression is compiled when first asked. That it can be was seen when the filter read it.
type lazy struct {
	source string
	once   sync.Once
	to     **regexp.Regexp // where uap-go's rule looks for it; not to be read before matches
}

func (l *lazy) matches(text string) bool {
	l.once.Do(func() { *l.to = regexp.MustCompile(l.source) })
	return (*l.to).MatchString(text)
}

func gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return out, nil
}

// lines splits a list of one entry a line.
func lines(list string) []string {
	return strings.Split(strings.TrimSuffix(list, "\n"), "\n")
}
