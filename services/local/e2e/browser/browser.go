// Package browser tests the recorder in Chromium, against an edge, an embedded Kafka and an embedded ClickHouse: what pages tell is asked back
// as rows. The tests are in test/, in JavaScript, since they drive a browser; make test-browser runs them. No other engine is run here.
package browser
