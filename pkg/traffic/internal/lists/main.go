// Command lists makes pkg/traffic's list of referrers from a checkout of github.com/matomo-org/searchengine-and-social-list (CC0 1.0):
//
//	go run ./pkg/traffic/internal/lists CHECKOUT > pkg/traffic/data/referrers.txt
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lists:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the folder of a checkout")
	}
	var engines map[string][]struct {
		URLs []string `yaml:"urls"`
	}
	var socials, assistants map[string][]string
	for file, into := range map[string]any{"SearchEngines.yml": &engines, "Socials.yml": &socials, "AIAssistants.yml": &assistants} {
		text, err := os.ReadFile(filepath.Join(args[0], file))
		if err != nil {
			return err
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	var lines []string
	add := func(source, host string) {
		if !strings.Contains(host, "/") { // a path within a site that is listed otherwise
			lines = append(lines, source+" "+strings.ToLower(strings.TrimPrefix(host, "www.")))
		}
	}
	for _, configurations := range engines {
		for _, c := range configurations {
			for _, host := range c.URLs {
				add("search", host)
			}
		}
	}
	for _, hosts := range socials {
		for _, host := range hosts {
			add("social", host)
		}
	}
	for _, hosts := range assistants {
		for _, host := range hosts {
			add("referral", host) // known, and no search engine though it may be a part of one's site
		}
	}
	slices.Sort(lines)
	out := bufio.NewWriter(os.Stdout)
	for _, line := range slices.Compact(lines) {
		fmt.Fprintln(out, line)
	}
	return out.Flush()
}
