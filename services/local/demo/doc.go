// Package demo makes believable traffic: visitors of four web applications who play walk-thrus, do tasks, answer surveys, take
// courses, search and come back another day, and clients that post what a recorder would have recorded.
//
// The generator is pure: the same seed and start give the same deliveries, ids included. Drive sends them through an edge's
// HTTP door, at the pace at which they happen or as fast as they are taken.
package demo
