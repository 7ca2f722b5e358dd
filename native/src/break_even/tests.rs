//! Decisions from given times; what is set, forced and measured.
use super::*;

fn decide(single: f64, group: f64, groups: f64) -> (u32, u32) {
    BreakEven::decide(single, group, groups, 4).numbers()
}

#[test]
fn the_decision_follows_the_times() {
    // A batch of eight costs as much as three operations; groups share nothing.
    assert_eq!(decide(10.0, 30.0, 120.0), (4, 4));
    assert_eq!(decide(10.0, 29.9, 4.0 * 29.9), (3, 3));
    // Less than one operation.
    assert_eq!(decide(10.0, 9.0, 36.0), (1, 1));
    // Nearly eight, and more than eight.
    assert_eq!(decide(10.0, 79.0, 4.0 * 79.0), (8, 8));
    assert_eq!(decide(10.0, 81.0, 4.0 * 81.0), (0, 9));
    // Groups share an inversion: 60 once, and 30 for each.
    assert_eq!(decide(10.0, 90.0, 180.0), (13, 4));
    // One group is slower than eight operations, and so are a few; many are not.
    assert_eq!(decide(10.0, 130.0, 324.0), (39, 7));
    // Never within 64 jobs.
    assert_eq!(decide(10.0, 180.0, 415.0), (0, 9));
    // Without a longer batch.
    assert_eq!(BreakEven::decide(10.0, 41.0, f64::INFINITY, 1).numbers(), (5, 5));
}

#[test]
fn what_saves_nothing_is_not_batched() {
    // What n jobs cost, split as the answer says, is never above all single, whatever the times.
    for group in [5.0, 25.0, 41.0, 77.0, 90.0, 150.0] {
        for shared in [0.0, 3.0, 20.0, 70.0] {
            let (single, each): (f64, f64) = (10.0, group - shared);
            if each < 0.0 {
                continue;
            }
            let answer = BreakEven::decide(single, group, group + 3.0 * each, 4);
            for n in 1..=64usize {
                let many = answer.batched(n);
                assert!(many == 0 || many == n || many == n - n % 8);
                let batches = if many == 0 { 0.0 } else { shared + each * many.div_ceil(8) as f64 };
                let cost = batches + single * (n - many) as f64;
                assert!(cost <= single * n as f64, "{group} {shared} {n}: {many}");
                // No other split is cheaper.
                for other in [n, n - n % 8].into_iter().filter(|other| *other > 0) {
                    let batches = shared + each * other.div_ceil(8) as f64;
                    assert!(cost <= batches + single * (n - other) as f64 + 1e-9);
                }
            }
        }
    }
}

#[test]
fn numbers_are_bounded() {
    assert_eq!(BreakEven::checked(0, 3), Some(BreakEven::NEVER));
    assert_eq!(BreakEven::checked(64, 9).map(BreakEven::numbers), Some((64, 9)));
    for (first, further) in [(65, 1), (1, 0), (1, 10), (u32::MAX, 1), (1, u32::MAX)] {
        assert_eq!(BreakEven::checked(first, further), None);
    }
    let three = BreakEven::checked(3, 5).expect("in bounds");
    assert_eq!([1, 2, 3, 7, 8, 12, 13, 16].map(|n| three.batched(n)), [0, 0, 0, 7, 8, 8, 13, 16]);
    assert_eq!(BreakEven::NEVER.batched(1000), 0);
}

#[test]
fn rows_are_named_set_and_forced() {
    for (i, row) in ROWS.iter().enumerate() {
        assert_eq!((row.0 as usize, Row::named(row.1)), (i, Some(row.0)));
        assert_eq!(row.0.break_even(Class::Generic), BreakEven::NEVER);
    }
    let (row, class) = (Row::Secp256k1Make, cpu::class().0);
    let constant = row.break_even(class);
    let other = BreakEven::checked(7, 8).expect("in bounds");
    assert_eq!(forced(other, || row.break_even(class)), other);
    assert_eq!(row.break_even(class), constant);
    row.set(other);
    assert_eq!(row.break_even(class), other);
    // Another class than the one in force keeps its constants.
    assert_ne!(row.break_even(if class == Class::Ifma { Class::Avx2 } else { Class::Ifma }), other);
    row.set(constant);
}

#[test]
fn every_row_is_measured_and_generic_measures_nothing() {
    let before = std::time::Instant::now();
    let answers: Vec<_> = ROWS.iter().map(|row| (row.1, measure(row.0))).collect();
    let took = before.elapsed();
    if cpu::class().0 == Class::Generic {
        assert!(rows().is_empty() && answers.iter().all(|(_, answer)| answer.is_none()));
        return;
    }
    assert_eq!(rows().len(), ROWS.len());
    let class = cpu::class().0;
    for ((name, answer), row) in answers.iter().zip(ROWS) {
        let answer = answer.expect("a measured row").numbers();
        println!("{name:18} {answer:?}, constant {:?}", row.0.break_even(class).numbers());
    }
    println!("{} rows of {} in {took:?}", ROWS.len(), class.name());
}

#[test]
fn a_failing_job_gives_no_answer() {
    assert_eq!(measure::decide(4, |count| count != 1), None);
    assert!(measure::decide(4, |_| true).is_some());
}
