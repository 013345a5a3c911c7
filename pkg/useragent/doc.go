// Package useragent says what browser, system and device sent a request, from its User-Agent and its Client Hints.
//
// The rules are uap-core's (https://github.com/ua-parser/uap-core), applied by uap-go's own matchers behind a filter that
// leaves some twenty of their 1,200 expressions to try (package internal/filter); crawlers are known by isbot's
// patterns, of which some count only where no phone is known (data/doubtful.txt), and named by those of
// crawler-user-agents. NOTICE says under which licences. Client Hints are read as in
// https://wicg.github.io/ua-client-hints/. What each field holds stands at Environment.
//
// A user agent is a claim, not a fact, and since 2021 browsers freeze parts of it: Chromium says "Windows NT 10.0" on
// Windows 11, "Mac OS X 10_15_7" on every later macOS, "CrOS 14541.0.0" and "Android 10; K" on every phone; Safari since 26
// says iOS 18_6 or 18_7. Where neither a hint nor Safari's own version tells more, the version is "10 or later", and no
// model is reported. An iPad's Safari that asks for desktop sites cannot be told from a Mac's; web views on iPads can.
package useragent

//go:generate go run ./internal/generate
