// Package weblock requests Web Locks, which the pages of an origin share (Web Locks API).
package weblock
