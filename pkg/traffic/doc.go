// Package traffic says where a page's visitor came from: from a search engine, a social network, a mail, a campaign, another site, the site itself,
// or nowhere that is known. It goes by the page's URL and its referrer alone.
//
// The hosts are Matomo's lists (NOTICE); a new version is made by
//
//	go run ./pkg/traffic/internal/lists CHECKOUT > pkg/traffic/data/referrers.txt
package traffic
