// Package browser tests in Chromium what runs in browsers, the recorder and the console's page, against an edge, an embedded Kafka, an embedded
// ClickHouse and the console: what pages tell is asked back as rows, and what the console shows is asked of ClickHouse. The tests are in test/ and
// console/, in JavaScript, since they drive a browser; make test-browser runs them. No other engine is run here.
package browser
