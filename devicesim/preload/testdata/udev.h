// The part of libudev that the tests use, so that they do not need its header files.
#pragma once

struct udev *udev_new(void);
struct udev_monitor *udev_monitor_new_from_netlink(struct udev *, const char *);
int udev_monitor_filter_add_match_subsystem_devtype(struct udev_monitor *, const char *, const char *);
int udev_monitor_enable_receiving(struct udev_monitor *);
int udev_monitor_get_fd(struct udev_monitor *);
struct udev_device *udev_monitor_receive_device(struct udev_monitor *);
struct udev_monitor *udev_monitor_unref(struct udev_monitor *);
struct udev_enumerate *udev_enumerate_new(struct udev *);
int udev_enumerate_add_match_subsystem(struct udev_enumerate *, const char *);
int udev_enumerate_scan_devices(struct udev_enumerate *);
struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *);
struct udev_enumerate *udev_enumerate_unref(struct udev_enumerate *);
struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *);
const char *udev_list_entry_get_name(struct udev_list_entry *);
struct udev_device *udev_device_new_from_syspath(struct udev *, const char *);
struct udev_device *udev_device_unref(struct udev_device *);
const char *udev_device_get_action(struct udev_device *);
const char *udev_device_get_devnode(struct udev_device *);
const char *udev_device_get_syspath(struct udev_device *);
const char *udev_device_get_sysattr_value(struct udev_device *, const char *);
