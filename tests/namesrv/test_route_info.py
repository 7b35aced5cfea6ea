"""The route tables: who comes, who goes, what is left."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rmqwire.codec.bodies import (
    DataVersion,
    QueueData,
    RegisterBrokerBody,
    TopicConfig,
    TopicQueueMappingInfo,
)
from rmqwire.namesrv import route_query
from rmqwire.namesrv.config import load_namesrv_config
from rmqwire.namesrv.route_info import AddressTaken, Registration, RouteInfoManager


class Line:
    closed = False


def manager(text=""):
    return RouteInfoManager(load_namesrv_config(text, ""))


def body(*topics, counter=1, state_version=0, perm=6, flag=0):
    result = RegisterBrokerBody()
    wrapper = result.topic_config_serialize_wrapper
    wrapper.data_version = DataVersion(counter=counter, state_version=state_version)
    for topic in topics or ("TopicA", "TopicB"):
        wrapper.topic_config_table[topic] = TopicConfig(
            topic_name=topic, perm=perm, topic_sys_flag=flag
        )
    return result


def broker(name="a", broker_id=0, address=None, *, cluster="C", **more):
    address = address or f"10.0.0.{broker_id + 1}:10911"
    more.setdefault("connection", Line())
    more.setdefault("ha_address", f"{address.split(':')[0]}:10912")
    return Registration(
        cluster=cluster, broker_name=name, address=address, broker_id=broker_id, **more
    )


def test_a_master_and_its_slave_make_one_route():
    routes = manager()
    assert routes.register(broker(), body(), 0).master_addr is None
    result = routes.register(broker(broker_id=1), body(), 0)
    assert (result.master_addr, result.ha_server_addr) == ("10.0.0.1:10911", "10.0.0.1:10912")
    route = route_query.pickup_route(routes, "TopicA")
    assert route.broker_datas[0].broker_addrs == {0: "10.0.0.1:10911", 1: "10.0.0.2:10911"}
    assert route.queue_datas == [
        QueueData(broker_name="a", read_queue_nums=16, write_queue_nums=16, perm=6)
    ]
    assert route_query.pickup_route(routes, "nowhere") is None


def test_a_slaves_topics_are_not_taken():
    routes = manager()
    routes.register(broker(broker_id=1), body(), 0)
    assert not routes.topics
    assert routes.brokers["a"].broker_addrs == {1: "10.0.0.2:10911"}


def test_the_lowest_slave_that_may_act_gives_read_only_topics():
    routes = manager("supportActingMaster=true")
    routes.register(broker(broker_id=2, acting_master=True), body(), 0)
    assert routes.topics["TopicA"]["a"].perm == 4
    (acting,) = route_query.pickup_route(routes, "TopicA").broker_datas
    assert acting.broker_addrs == {0: "10.0.0.3:10911"}
    sync = "rmq_sys_SYNC_BROKER_MEMBER_a"
    routes.register_topic(sync, [QueueData(broker_name="a", perm=4)])
    (as_it_is,) = route_query.pickup_route(routes, sync).broker_datas
    assert as_it_is.broker_addrs == {2: "10.0.0.3:10911"}
    assert routes.brokers["a"].broker_addrs == {2: "10.0.0.3:10911"}  # the table stays


def test_a_lost_master_leaves_its_queues_read_only_and_the_others_hear_of_it():
    routes = manager("notifyMinBrokerIdChanged=true")
    master = broker(acting_master=True)
    routes.register(master, body(), 0)
    routes.register(broker(broker_id=1, acting_master=True), body(), 0)
    routes.connection_closed(master.connection)
    assert routes.topics["TopicA"]["a"].perm == 4
    (notice,) = routes.notices
    assert notice.addresses == ["10.0.0.2:10911"]
    assert notice.header.min_broker_id == 1
    assert notice.header.offline_broker_addr == "10.0.0.1:10911"
    routes.notices.clear()
    routes.register(broker(acting_master=True), body(counter=2), 0)
    (notice,) = routes.notices
    assert notice.addresses == ["10.0.0.2:10911"]
    assert (notice.header.min_broker_id, notice.header.ha_broker_addr) == (0, "10.0.0.1:10912")
    assert routes.topics["TopicA"]["a"].perm == 6


def test_nobody_is_told_unless_asked_for():
    routes = manager()
    routes.register(broker(broker_id=1, acting_master=True), body(), 0)
    routes.register(broker(acting_master=True), body(), 0)
    routes.unregister("C", "a", "10.0.0.1:10911", 0)
    assert not routes.notices


def test_topics_change_with_the_version_only():
    routes = manager()
    routes.register(broker(), body(), 0)
    routes.wipe_write_permission("a")
    routes.register(broker(), body(), 0)
    assert routes.topics["TopicA"]["a"].perm == 4
    routes.register(broker(), body("TopicA", "TopicC", counter=2), 0)
    assert routes.topics["TopicA"]["a"].perm == 6
    assert set(routes.topics) == {"TopicA", "TopicB", "TopicC"}
    routes.delete_topic("TopicC")
    routes.register(broker(), body("TopicA", "TopicC", counter=2), 0)
    assert "TopicC" in routes.topics  # a missing one comes back with the same version


def test_topics_a_broker_no_longer_has_are_dropped_when_asked_for():
    routes = manager("deleteTopicWithBrokerRegistration=true")
    routes.register(broker(), body(), 0)
    routes.register(broker("b", address="10.0.1.1:1"), body("TopicB", "TopicD"), 0)
    routes.register(broker(), body("TopicC", "TopicD", counter=2), 0)
    assert {topic: set(queues) for topic, queues in routes.topics.items()} == {
        "TopicB": {"b"}, "TopicC": {"a"}, "TopicD": {"a", "b"},
    }  # fmt: skip


def test_a_single_topic_before_the_whole_table_is_refused_without_a_trace():
    routes = manager()
    assert routes.register(broker(), body("TopicA"), 0) is None
    assert not routes.brokers
    assert not routes.clusters
    assert not routes.live
    routes.register(broker(), body(), 0)
    assert routes.register(broker(), body("TopicE", counter=2), 0) is not None
    assert "TopicE" in routes.topics


def test_a_slave_that_became_master_has_one_entry():
    routes = manager()
    line = Line()
    routes.register(broker(broker_id=1, address="h:1", connection=line), body(), 0)
    routes.register(broker(broker_id=0, address="h:1", connection=line), body(), 0)
    assert routes.brokers["a"].broker_addrs == {0: "h:1"}


def test_an_outdated_master_is_ignored_and_forgotten():
    routes = manager()
    routes.register(broker(address="new:1"), body(state_version=5), 0)
    result = routes.register(broker(address="old:1"), body(state_version=4), 0)
    assert result.master_addr is None
    assert routes.brokers["a"].broker_addrs == {0: "new:1"}
    assert ("C", "old:1") not in routes.live
    routes.register(broker(address="newest:1"), body(state_version=6), 0)
    assert routes.brokers["a"].broker_addrs == {0: "newest:1"}


def test_a_stranger_does_not_get_a_living_brokers_place():
    routes = manager()
    first = broker(address="mine:1")
    routes.register(first, body(), 0)
    with pytest.raises(AddressTaken):
        routes.register(broker(address="stranger:1"), body(counter=9), 0)
    assert routes.brokers["a"].broker_addrs == {0: "mine:1"}
    first.connection.closed = True
    routes.register(broker(address="moved:1"), body(counter=9), 0)
    assert routes.brokers["a"].broker_addrs == {0: "moved:1"}


def test_a_broker_whose_machine_lost_power_moves_after_two_of_its_periods():
    routes = manager()
    routes.register(broker(address="192.0.2.1:1"), body(), 0)
    for now in range(1000, 11_000, 1000):  # its heartbeats of 5.x; the connection stays open
        routes.touch("C", "192.0.2.1:1", now)
    moved = broker(address="192.0.2.2:1")
    with pytest.raises(AddressTaken, match=r"192\.0\.2\.1:1, heard of 2000 ms ago"):
        routes.register(moved, body(), 12_000)
    routes.register(moved, body(), 12_001)
    assert routes.brokers["a"].broker_addrs == {0: "192.0.2.2:1"}


def test_a_broker_that_only_registers_is_alive_for_two_registrations():
    routes = manager()
    for now in (0, 10_000, 20_000, 30_000, 40_000, 41_000):
        routes.register(broker(address="old:1"), body(), now)
    with pytest.raises(AddressTaken):
        routes.register(broker(address="new:1"), body(), 51_000)
    routes.register(broker(address="new:1"), body(), 61_001)


def test_the_place_is_free_for_all_where_it_is_not_protected():
    open_house = manager("protectBrokerAddress=false")
    open_house.register(broker(address="mine:1"), body(), 0)
    open_house.register(broker(address="stranger:1"), body(counter=9), 0)
    assert open_house.brokers["a"].broker_addrs == {0: "stranger:1"}


def test_brokers_expire_after_their_own_time():
    routes = manager()
    quick, slow = broker("a", expiry_ms=10_000), broker("b", address="b:1")
    routes.register(quick, body(), 0)
    routes.register(slow, body(), 0)
    assert routes.expire(10_000) == []
    assert routes.expire(10_001) == [quick.connection]
    assert set(routes.brokers) == {"b"}
    routes.touch("C", "b:1", 60_000)
    assert routes.expire(180_000) == []
    assert routes.expire(180_001) == [slow.connection]
    assert [routes.topics, routes.brokers, routes.clusters, routes.live] == [{}] * 4


def test_every_name_that_a_lost_broker_had_goes_with_it():
    routes = manager()
    line = Line()
    for name in ("old", "new"):
        routes.register(broker(name, address="one:1", connection=line), body(), 0)
    routes.connection_closed(line)
    assert [routes.topics, routes.brokers, routes.clusters, routes.live] == [{}] * 4


def test_a_broker_is_in_the_cluster_that_it_said_last():
    routes = manager()
    line = Line()
    for cluster in ("C", "D"):
        routes.register(broker(cluster=cluster, connection=line), body(), 0)
    assert routes.clusters == {"D": {"a"}}
    assert routes.brokers["a"].cluster == "D"
    routes.connection_closed(line)
    assert [routes.topics, routes.brokers, routes.clusters, routes.live] == [{}] * 4


def test_leaving_takes_names_topics_and_clusters_along():
    routes = manager()
    routes.register(broker("a"), body(), 0)
    routes.register(broker("b", address="b:1", cluster="D"), body("TopicB", "TopicC"), 0)
    routes.unregister("C", "a", "10.0.0.1:10911", 0)
    assert set(routes.topics) == {"TopicB", "TopicC"}
    assert set(routes.clusters) == {"D"}
    routes.unregister("C", "unknown", "x:1", 0)
    assert set(routes.brokers) == {"b"}


def test_illegal_topics_of_a_broker_are_left_out():
    routes = manager()
    routes.register(broker("vm.example.org"), body("../x", "a/b", "vm.example.org", "Good"), 0)
    assert set(routes.topics) == {"vm.example.org", "Good"}


def test_filter_servers_and_mappings_are_told_with_the_route():
    routes = manager()
    registered = body()
    registered.filter_server_list = ["f:1"]
    mapping = TopicQueueMappingInfo(topic="TopicA", bname="a", total_queues=2)
    registered.topic_config_serialize_wrapper.topic_queue_mapping_info_map["TopicA"] = mapping
    routes.register(broker(), registered, 0)
    route = route_query.pickup_route(routes, "TopicA")
    assert route.filter_server_table == {"10.0.0.1:10911": ["f:1"]}
    assert route.topic_queue_mapping_by_broker == {"a": mapping}
    routes.register(broker(), body(), 0)
    assert not routes.filter_servers


def test_topics_by_hand():
    routes = manager()
    routes.register_topic("T", [QueueData(broker_name="a")])
    assert not routes.topics  # no such broker
    routes.register(broker(), body(), 0)
    routes.register(broker("b", address="b:1", cluster="D"), body(), 0)
    routes.register_topic("T", [QueueData(broker_name="a"), QueueData(broker_name="x")])
    assert set(routes.topics["T"]) == {"a"}
    routes.delete_topic("TopicA", "D")
    assert set(routes.topics["TopicA"]) == {"a"}
    routes.delete_topic("TopicA", "C")
    routes.delete_topic("TopicB")
    routes.delete_topic("TopicB", "C")
    assert set(routes.topics) == {"T"}


def test_permissions_are_wiped_and_given_back():
    routes = manager()
    routes.register(broker(), body(perm=7), 0)
    assert routes.wipe_write_permission("a") == 2
    assert routes.topics["TopicA"]["a"].perm == 5
    assert routes.add_write_permission("a") == 2
    assert routes.topics["TopicA"]["a"].perm == 6
    assert routes.wipe_write_permission("nobody") == 0


def test_lists():
    routes = manager()
    assert route_query.system_topics(routes).broker_addr is None
    routes.register(broker(), body("Unit", "Unit2", flag=1), 0)
    routes.register(broker("b", address="b:1", cluster="D"), body("Sub", "Sub2", flag=2), 0)
    routes.register(broker("c", address="c:1", cluster="D"), body("Both", "Both2", flag=3), 0)

    def topics(wanted):
        return set(route_query.topics_with_flag(routes, wanted).topic_list)

    assert topics(route_query.is_unit) == {"Unit", "Unit2", "Both", "Both2"}
    assert topics(route_query.has_unit_sub) == {"Sub", "Sub2", "Both", "Both2"}
    assert topics(route_query.has_unit_sub_only) == {"Sub", "Sub2"}
    assert set(route_query.topics_of_cluster(routes, "C").topic_list) == {"Unit", "Unit2"}
    assert route_query.topics_of_cluster(routes, "none").topic_list == []
    assert len(route_query.all_topics(routes).topic_list) == 6
    listed = route_query.system_topics(routes)
    assert set(listed.topic_list) == {"C", "D", "a", "b", "c"}
    assert listed.broker_addr in {"10.0.0.1:10911", "b:1", "c:1"}
    info = route_query.cluster_info(routes)
    assert {c: set(n) for c, n in info.cluster_addr_table.items()} == {"C": {"a"}, "D": {"b", "c"}}
    assert route_query.member_group(routes, "C", "a").broker_addrs == {0: "10.0.0.1:10911"}
    assert route_query.member_group(routes, "C", "x").broker_addrs == {}


class Comings(RuleBasedStateMachine):
    """Brokers come and go in any order; the five tables must agree at every moment."""

    def __init__(self):
        super().__init__()
        self.routes = manager("notifyMinBrokerIdChanged=true\nprotectBrokerAddress=false")
        self.now = 0
        self.lines = [Line() for _ in range(3)]

    @rule(
        name=st.sampled_from("ab"), number=st.integers(0, 2), host=st.integers(0, 2),
        topics=st.sets(st.sampled_from(["t", "u", "v"]), min_size=1), version=st.integers(0, 2),
        acting=st.sampled_from([None, False, True]), cluster=st.sampled_from("CCD"),
        state=st.integers(0, 1), line=st.integers(0, 2), shared=st.booleans(),
    )  # fmt: skip
    def register(self, topics, version, line, **who_says):
        name, number, host, acting, cluster, state, shared = map(
            who_says.get, ("name", "number", "host", "acting", "cluster", "state", "shared")
        )
        who = broker(
            name,
            number,
            f"host{host}:1" if shared else f"{name}{host}:1",
            connection=self.lines[line],
            acting_master=acting,
            cluster=cluster,
        )
        self.routes.register(who, body(*topics, counter=version, state_version=state), self.now)

    @rule(
        name=st.sampled_from("ab"), number=st.integers(0, 2), host=st.integers(0, 2),
        cluster=st.sampled_from("CD"), shared=st.booleans(),
    )  # fmt: skip
    def unregister(self, name, number, host, cluster, shared):
        address = f"host{host}:1" if shared else f"{name}{host}:1"
        self.routes.unregister(cluster, name, address, number)

    @rule(line=st.integers(0, 2))
    def close(self, line):
        self.routes.connection_closed(self.lines[line])
        assert all(b.connection is not self.lines[line] for b in self.routes.live.values())

    @rule(ms=st.integers(0, 200_000))
    def wait(self, ms):
        self.now += ms
        self.routes.expire(self.now)

    @invariant()
    def tables_agree(self):
        routes = self.routes
        assert all(data.broker_addrs for data in routes.brokers.values())
        named = {(data.cluster, name) for name, data in routes.brokers.items()}
        assert {(c, name) for c, names in routes.clusters.items() for name in names} == named
        living = {address for _, address in routes.live}
        for data in routes.brokers.values():
            assert set(data.broker_addrs.values()) <= living
        for queues in routes.topics.values():
            assert queues
            assert set(queues) <= set(routes.brokers)
        for data in routes.brokers.values():
            addresses = list(data.broker_addrs.values())
            assert len(set(addresses)) == len(addresses)


Comings.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestComings = Comings.TestCase
