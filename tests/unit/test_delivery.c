// SPDX-License-Identifier: MIT
// The life of a delivery (model/delivery.h) and the names of outcomes: only legal moves, names that read back.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/delivery.h"
#include "support/child.h"

#define BIT(state) (1u << DELIVERY_##state)

// From the design, not from the table that the code is made of.
static const unsigned legal[DELIVERY_STATE_COUNT] = {
    [DELIVERY_PENDING] = BIT(CLAIMED) | BIT(DEAD) | BIT(CANCELLED),
    [DELIVERY_CLAIMED] = BIT(RUNNING) | BIT(PENDING) | BIT(DEAD) | BIT(CANCELLED),
    [DELIVERY_RUNNING] =
        BIT(DELIVERED) | BIT(FILTERED) | BIT(PENDING) | BIT(DEAD) | BIT(CANCELLED) | BIT(CLAIMED),
    [DELIVERY_DELIVERED] = BIT(PENDING),
    [DELIVERY_FILTERED] = BIT(PENDING),
    [DELIVERY_DEAD] = BIT(PENDING),
    [DELIVERY_CANCELLED] = BIT(PENDING),
};

struct move {
    enum delivery_state from, to;
    const char *reason;
};

static void do_move(void *context)
{
    const struct move *move = context;
    struct delivery delivery = {.magic = DELIVERY_MAGIC, .state = move->from};
    delivery_move(&delivery, move->to, move->reason);
    CHECK(delivery.state == move->to && delivery.last_reason == move->reason);
}

static void only_legal_moves_are_made(void **state)
{
    static struct child_end end;
    (void)state;
    for (unsigned from = 0; from < DELIVERY_STATE_COUNT; from++) {
        for (unsigned to = 0; to < DELIVERY_STATE_COUNT; to++) {
            struct move move = {(enum delivery_state)from, (enum delivery_state)to, "a test"};
            child_run(do_move, &move, &end);
            if (end.signal != (legal[from] >> to & 1 ? 0 : SIGABRT))
                fail_msg("%s to %s: signal %d", delivery_state_name(move.from),
                         delivery_state_name(move.to), end.signal);
        }
    }
}

static void a_move_needs_a_reason(void **state)
{
    static struct child_end end;
    struct move move = {DELIVERY_PENDING, DELIVERY_CLAIMED, NULL};
    (void)state;
    child_run(do_move, &move, &end);
    assert_int_equal(end.signal, SIGABRT);
}

static void a_move_leaves_the_list(void **state)
{
    struct list list;
    struct delivery delivery = {.magic = DELIVERY_MAGIC, .state = DELIVERY_PENDING};
    (void)state;
    list_init(&list);
    list_append(&list, &delivery.node);
    delivery_move(&delivery, DELIVERY_CLAIMED, "due");
    assert_true(list_is_empty(&list));
    assert_string_equal(delivery.last_reason, "due");
}

static void names_read_back(void **state)
{
    static const char *const names[] = {"pending",  "claimed", "running",  "delivered",
                                        "filtered", "dead",    "cancelled"};
    (void)state;
    for (unsigned i = 0; i < DELIVERY_STATE_COUNT; i++) {
        enum delivery_state read = DELIVERY_STATE_COUNT;
        assert_string_equal(delivery_state_name((enum delivery_state)i), names[i]);
        assert_true(delivery_state_parse(span_of(names[i]), &read));
        assert_int_equal(read, i);
        assert_int_equal(delivery_state_is_final((enum delivery_state)i), i >= 3);
    }
    enum delivery_state untouched = DELIVERY_DEAD;
    assert_false(delivery_state_parse(SPAN("Dead"), &untouched));
    assert_false(delivery_state_parse(SPAN(""), &untouched));
    assert_int_equal(untouched, DELIVERY_DEAD);
}

static void an_id_is_sequence_and_place(void **state)
{
    (void)state;
    uint64_t id = delivery_id(0x123456789abcULL, 65535);
    assert_int_equal(id, 0x123456789abcffffULL);
    assert_int_equal(delivery_seq(id), 0x123456789abcULL);
    assert_int_equal(delivery_index(id), 65535);
    assert_true(delivery_id(7, 65535) < delivery_id(8, 0));
}

static void outcomes_read_back(void **state)
{
    (void)state;
    assert_null(outcome_name(OUTCOME_NONE));
    for (unsigned i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++) {
        enum outcome read = OUTCOME_NONE;
        assert_true(outcome_parse(span_of(outcome_name((enum outcome)i)), &read));
        assert_int_equal(read, i);
    }
    // These are stored: their numbers never change.
    assert_int_equal(OUTCOME_DELIVERED, 1);
    assert_int_equal(OUTCOME_HTTP_5XX, 7);
    assert_int_equal(OUTCOME_BLOCKED_ADDRESS, 15);
    assert_int_equal(OUTCOME_CANCELLED, 26);
}

static void a_status_has_its_outcome(void **state)
{
    static const struct {
        int status;
        enum outcome outcome;
    } cases[] = {
        {200, OUTCOME_DELIVERED},    {204, OUTCOME_DELIVERED},    {299, OUTCOME_DELIVERED},
        {300, OUTCOME_HTTP_3XX},     {304, OUTCOME_HTTP_3XX},     {399, OUTCOME_HTTP_3XX},
        {400, OUTCOME_HTTP_4XX},     {409, OUTCOME_HTTP_4XX},     {410, OUTCOME_HTTP_410},
        {411, OUTCOME_HTTP_4XX},     {429, OUTCOME_HTTP_429},     {499, OUTCOME_HTTP_4XX},
        {500, OUTCOME_HTTP_5XX},     {503, OUTCOME_HTTP_503},     {599, OUTCOME_HTTP_5XX},
        {600, OUTCOME_BAD_RESPONSE}, {101, OUTCOME_BAD_RESPONSE}, {0, OUTCOME_BAD_RESPONSE},
        {-1, OUTCOME_BAD_RESPONSE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (outcome_of_status(cases[i].status) != cases[i].outcome)
            fail_msg("%d is %s", cases[i].status, outcome_name(outcome_of_status(cases[i].status)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_legal_moves_are_made),   cmocka_unit_test(a_move_needs_a_reason),
        cmocka_unit_test(a_move_leaves_the_list),      cmocka_unit_test(names_read_back),
        cmocka_unit_test(an_id_is_sequence_and_place), cmocka_unit_test(outcomes_read_back),
        cmocka_unit_test(a_status_has_its_outcome),
    };
    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
