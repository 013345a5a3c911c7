// Generate brings in the lists that package useragent embeds and is tested with, from the pinned packages named below.
// It runs git and npm, and writes the same bytes each time:
//
//	go generate ./pkg/useragent
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The pinned packages. uap-core is released seldom and its packages hold no tests: it is its repository at a commit, whose
// rules are those of PyPI's ua-parser-builtins 202610.
const (
	uapCore  = "https://github.com/ua-parser/uap-core" // Apache-2.0
	uapHead  = "e3c5e634bee0b14f1a129c991483910739ad9f6c"
	isbot    = "isbot@5.2.3" // npm: Unlicense
	crawlers = "crawler-user-agents@1.60.0"
)

// browsers are samples of real traffic by their month: before iOS 26, which froze the version it tells, and after.
var browsers = map[string]string{"2025-02": "user-agents@1.1.455", "2026-09": "user-agents@2.1.198"}

// sampledMonth is the one whose head goes into package sample.
const sampledMonth = "2026-09"

// sampled is how many of the most frequent browsers go into package sample.
const sampled = 300

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "useragent")
	if err != nil {
		return fmt.Errorf("make a folder to work in: %w", err)
	}
	defer os.RemoveAll(dir)
	return errors.Join(rules(dir), botPatterns(dir), crawlerLists(dir), browserLists(dir))
}

// rules takes uap-core's regexes and tests as they are.
func rules(dir string) error {
	checkout := filepath.Join(dir, "uap-core")
	for _, args := range [][]string{
		{"init", "--quiet", checkout}, {"-C", checkout, "fetch", "--quiet", "--depth=1", uapCore, uapHead}, {"-C", checkout, "checkout", "--quiet", uapHead},
	} {
		if _, err := command(dir, "git", args...); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{
		"regexes.yaml":           "data/regexes.yaml.gz",
		"tests/test_ua.yaml":     "testdata/test_ua.yaml.gz",
		"tests/test_os.yaml":     "testdata/test_os.yaml.gz",
		"tests/test_device.yaml": "testdata/test_device.yaml.gz",
	} {
		content, err := os.ReadFile(filepath.Join(checkout, from))
		if err != nil {
			return fmt.Errorf("read uap-core: %w", err)
		}
		if err := writeGzip(to, content); err != nil {
			return err
		}
	}
	return nil
}

// botPatterns writes isbot's patterns, one a line, in RE2's syntax.
func botPatterns(dir string) error {
	module, err := unpack(dir, isbot)
	if err != nil {
		return err
	}
	out, err := command(module, "node", "-e", `console.log(JSON.stringify(require("./index.js").list))`)
	if err != nil {
		return err
	}
	var patterns []string
	if err := json.Unmarshal(out, &patterns); err != nil {
		return fmt.Errorf("decode isbot's list: %w", err)
	}
	// Sogou's crawlers all say spider, which is listed; this one would take its browsers, SogouMobileBrowser and the like, too.
	patterns = slices.DeleteFunc(patterns, func(p string) bool { return p == "sogou" })
	var named, unsure []string
	for _, p := range patterns {
		rewritten, err := re2(p)
		if err != nil {
			return err
		}
		if slices.Contains(doubtful, p) {
			unsure = append(unsure, rewritten)
		} else {
			named = append(named, rewritten)
		}
	}
	return errors.Join(writeLines("data/bots.txt", append(named, alsoBots...)), writeLines("data/doubtful.txt", unsure))
}

// doubtful are isbot's patterns that fit what phones say, too: a user agent's form, as in "LG/U370", and words of Java
// phones, of models, of the apps of companies that have crawlers.
var doubtful = []string{
	`;\s\w+;$`, `@[a-z][\w-]+\.`, `\(\)`, `\.com\b`, `\b\w+/1\.0;`, `\|`, `^[<\(;]`,
	`^[\w \.\-\(?:\):%]+(?:/v?\d+(?:\.\d+)?(?:\.\d{1,10})*?)?(?:,|$)`, `^[\w\-]+/[\w]+$`, `^[^ ]{50,}$`, `^\d+\b`, `^\w*search\b`,
	`^\w+/[\w\(\)]*$`, `^\w+/\d\.\d\s\([\w@]+\)$`, `^mozilla/\d\.\d\s[\w\.-]+$`, `^whatsapp`, `^yahoo`,
	`(?:^|[^g])news(?!sapphire)`, `(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`,
	`(?<!lib)http`, `advisor`, `java(?!;)`, `library`, `radar`, `server`, `url`,
}

// alsoBots are an address, and assistants that fetch a page for a person, which isbot knows in part. Many are told by the
// place where they say "compatible", as no browser has since Internet Explorer.
var alsoBots = []string{
	`https?://`,
	`like gecko; ?compatible;`,
	`safari/[\d.]+;? ?\(?compatible;`,
	`\b(?:amzn|chatgpt|claude|duckassist|gemini|grok|kagi|manus|meta|mistralai|openai|perplexity|phind|poe|you)-user\b`,
	`\b(?:claude-web|anthropic-ai|cohere-ai|novaact|grok-deepsearch|chatgpt agent|google-agent|googleagent|kagi-fetcher|meta-external|devin)(?:$|[/;) -])`,
	`\b(?:gtmetrix|miniature\.io)\b`,
}

// alsoCrawlers name some of them.
var alsoCrawlers = []string{`[A-Za-z0-9]+-User`, `[Cc]laude-[Ww]eb`, `GoogleAgent-\w+`, `ChatGPT Agent`}

// crawlerLists writes the patterns that name crawlers, and the user agents they were seen with.
func crawlerLists(dir string) error {
	module, err := unpack(dir, crawlers)
	if err != nil {
		return err
	}
	var list []struct {
		Pattern   string
		Instances []string
	}
	if err := readJSON(filepath.Join(module, "crawler-user-agents.json"), &list); err != nil {
		return err
	}
	var patterns, instances []string
	for _, c := range list {
		pattern := strings.ReplaceAll(c.Pattern, `\/`, `/`)
		if _, err := regexp.Compile(pattern); err != nil {
			return fmt.Errorf("a crawler's pattern: %w", err)
		}
		patterns = append(patterns, pattern)
		instances = append(instances, c.Instances...)
	}
	return errors.Join(writeLines("data/crawlers.txt", append(patterns, alsoCrawlers...)),
		writeGzip("testdata/crawlers.txt.gz", []byte(strings.Join(instances, "\n")+"\n")))
}

// browserLists writes weight and user agent of real browsers, most frequent first: all for the tests, the head for package sample.
func browserLists(dir string) error {
	for month, name := range browsers {
		all, err := browserList(dir, name)
		if err != nil {
			return err
		}
		if err := writeGzip("testdata/browsers-"+month+".tsv.gz", []byte(strings.Join(all, "\n")+"\n")); err != nil {
			return err
		}
		if month == sampledMonth {
			head := strings.Join(all[:min(sampled, len(all))], "\n") + "\n"
			if err := writeGzip("sample/browsers.tsv.gz", []byte(head)); err != nil {
				return err
			}
		}
	}
	return nil
}

// browserList returns the lines of one package, whose older versions keep their list compressed.
func browserList(dir, name string) ([]string, error) {
	module, err := unpack(dir, name)
	if err != nil {
		return nil, err
	}
	var list []struct {
		UserAgent string
		Weight    float64
	}
	path := filepath.Join(module, "dist", "user-agents.json")
	if zipped := filepath.Join(module, "src", "user-agents.json.gz"); exists(zipped) {
		if _, err := command(module, "gzip", "-d", zipped); err != nil {
			return nil, err
		}
		path = strings.TrimSuffix(zipped, ".gz")
	}
	if err := readJSON(path, &list); err != nil {
		return nil, err
	}
	weights := map[string]float64{}
	for _, b := range list {
		weights[b.UserAgent] += b.Weight
	}
	lines := make([]string, 0, len(weights))
	for ua, weight := range weights {
		lines = append(lines, fmt.Sprintf("%.9f\t%s", weight, ua))
	}
	slices.SortFunc(lines, func(a, b string) int {
		x, y := number(a), number(b)
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return strings.Compare(a, b)
	})
	return lines, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func number(line string) float64 {
	weight, _, _ := strings.Cut(line, "\t")
	v, err := strconv.ParseFloat(weight, 64)
	if err != nil {
		return 0
	}
	return v
}

// unpack downloads an npm package and returns its folder.
func unpack(dir, name string) (string, error) {
	out, err := command(dir, "npm", "pack", "--silent", name)
	if err != nil {
		return "", err
	}
	module := filepath.Join(dir, name)
	if err := os.Mkdir(module, 0o755); err != nil {
		return "", fmt.Errorf("unpack %s: %w", name, err)
	}
	_, err = command(dir, "tar", "-xzf", strings.TrimSpace(string(out)), "-C", module, "--strip-components=1")
	return module, err
}

func command(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

func readJSON(path string, into any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read a list: %w", err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("decode %s: %w", filepath.Base(path), err)
	}
	return nil
}

func writeLines(path string, lines []string) error {
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("write a list: %w", err)
	}
	return nil
}

// writeGzip leaves the time out of the header: the same content gives the same bytes.
func writeGzip(path string, content []byte) error {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compress %s: %w", path, err)
	}
	if _, err := z.Write(content); err != nil {
		return fmt.Errorf("compress %s: %w", path, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress %s: %w", path, err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write a list: %w", err)
	}
	return nil
}
