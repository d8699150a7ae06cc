// Package weblock takes the locks by which the pages of an origin keep out of each other's way (Web Locks API).
package weblock
