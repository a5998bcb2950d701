# SPDX-License-Identifier: Apache-2.0
# Policies that husk knows by name: "husk policy list". Each has a table in tests/policy.
profilesdir = $(pkgdatadir)/policies/profiles
dist_profiles_DATA = policies/profiles/common.frequency \
	policies/profiles/compiler.policy \
	policies/profiles/default.policy \
	policies/profiles/ffmpeg.policy \
	policies/profiles/imagemagick.policy \
	policies/profiles/nginx.policy \
	policies/profiles/no-network.policy \
	policies/profiles/node.policy \
	policies/profiles/python.policy \
	policies/profiles/shell.policy \
	policies/profiles/strict.policy
# What husk holds its own processes to; built in, and here to be read and compared.
EXTRA_DIST += policies/self/reaper.policy policies/self/supervisor.policy \
	policies/self/vm-monitor.policy policies/self/vm-vcpu.policy
profilepartsdir = $(profilesdir)/parts
dist_profileparts_DATA = policies/profiles/parts/internet.policy \
	policies/profiles/parts/program.policy \
	policies/profiles/parts/single.policy
