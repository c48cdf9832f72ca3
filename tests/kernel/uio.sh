#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wgdp as an appliance (_appliance.sh) on a machine without an IOMMU, whose kernel (Debian's) does not let vfio-pci do without one.

. "$(dirname "$0")/_appliance.sh"

boot no-iommu
neighbours
guest 'echo 256 >/proc/sys/vm/nr_hugepages'
for nic in 0000:00:03.0 0000:00:04.0; do obey $nic; done
[ "$(guest 'basename $(readlink /sys/bus/pci/devices/0000:00:03.0/driver)')" = uio_pci_generic ]
guest_start_wgdp dp.conf
traffic
guest_stop_wgdp
gone
