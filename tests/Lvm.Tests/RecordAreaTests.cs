using System.Text;
using EveStorage.Lvm;

namespace EveStorage.Tests;

public class RecordAreaTests
{
    private const int Slots = 3;

    private readonly Guid _pool = Guid.NewGuid();
    private readonly TornDisk _disk = new(RecordArea.LengthFor(Slots).Bytes);

    [Fact]
    public void What_was_written_is_read_by_another_opening()
    {
        Guid id = Guid.NewGuid();
        RecordArea.Format(_disk, _pool);
        Open().Write(id, "first"u8, NoneBut(id));

        RecordArea area = Open();

        area.Pool.ShouldBe(_pool);
        area.Slots.ShouldBe(Slots);
        Text(area, id).ShouldBe("first");
        area.Find(Guid.NewGuid()).ShouldBeNull();
    }

    [Fact]
    public void A_crash_at_any_write_leaves_the_old_document_or_the_new_one_and_no_other_is_touched()
    {
        Guid id = Guid.NewGuid();
        Guid other = Guid.NewGuid();
        RecordArea.Format(_disk, _pool);
        Open().Write(other, "other"u8, NoneBut(other));
        Open().Write(id, Long('a'), NoneBut(id, other));
        for (int round = 0; round < 6; round++)
        {
            string before = Text(Open(), id)!;
            byte[] next = Long((char)('b' + round));
            _disk.FailAfter(round % 2);

            Should.Throw<StorageException>(() => Open().Write(id, next, NoneBut(id, other)));

            _disk.Restart();
            Text(Open(), id).ShouldBeOneOf(before, Encoding.ASCII.GetString(next));
            Text(Open(), other).ShouldBe("other");
            Open().Write(id, next, NoneBut(id, other));
            Text(Open(), id).ShouldBe(Encoding.ASCII.GetString(next));
            Open().CountDamaged(NoneBut(id, other)).ShouldBe(0);
        }
    }

    [Fact]
    public void A_document_that_is_written_is_there_twice()
    {
        Guid id = Guid.NewGuid();
        RecordArea.Format(_disk, _pool);
        Open().Write(id, "only this"u8, NoneBut(id));
        IReadOnlyList<long> copies = _disk.Find("only this"u8);
        copies.Count.ShouldBe(2);

        foreach (long copy in copies)
        {
            _disk.Damage(copy);
            Text(Open(), id).ShouldBe("only this");
            Open().CountDamaged(NoneBut(id)).ShouldBe(1);
            _disk.Damage(copy);
        }
    }

    [Fact]
    public void A_sector_that_can_not_be_read_costs_one_copy_and_no_document()
    {
        Guid id = Guid.NewGuid();
        Guid other = Guid.NewGuid();
        RecordArea.Format(_disk, _pool);
        Open().Write(other, "other"u8, NoneBut(other));
        Open().Write(id, "only this"u8, NoneBut(id, other));

        _disk.Break(0);
        _disk.Break(_disk.Find("only this"u8)[0]);
        _disk.Break(_disk.Find("other"u8)[1]);

        Text(Open(), id).ShouldBe("only this");
        Text(Open(), other).ShouldBe("other");
        Open().CountDamaged(NoneBut(id, other)).ShouldBe(2);
        Open().Write(id, "and this"u8, NoneBut(id, other));
        Open().Find(Guid.NewGuid()).ShouldBeNull();
    }

    [Fact]
    public void Where_neither_copy_can_be_read_nobody_says_that_there_is_none()
    {
        Guid id = Guid.NewGuid();
        RecordArea.Format(_disk, _pool);
        Open().Write(id, "only this"u8, NoneBut(id));
        const int page = 4096;
        _disk.Find("only this"u8).ToList().ForEach(at => _disk.Break(at - page));

        Should.Throw<StorageException>(() => Open().Find(id)).Kind.ShouldBe(StorageErrorKind.Io);

        Guid other = Guid.NewGuid();
        long[] places = [.. _disk.Find("only this"u8)];
        Open().Write(other, "other"u8, NoneBut(id, other));
        _disk.Find("only this"u8).ShouldBe(places, "the slot that nobody can read is another's");
    }

    [Fact]
    public void A_document_of_which_both_copies_are_damaged_is_not_read()
    {
        Guid id = Guid.NewGuid();
        RecordArea.Format(_disk, _pool);
        Open().Write(id, "only this"u8, NoneBut(id));

        _disk.Find("only this"u8).ToList().ForEach(_disk.Damage);

        Open().Find(id).ShouldBeNull();
    }

    [Fact]
    public void The_slot_of_a_volume_that_is_gone_is_used_again_and_those_of_the_others_are_not()
    {
        Guid[] ids = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];
        RecordArea.Format(_disk, _pool);
        for (int at = 0; at < Slots; at++)
        {
            Open().Write(ids[at], Encoding.ASCII.GetBytes($"{at}"), NoneBut(ids[..Slots]));
        }

        Should.Throw<StorageException>(() => Open().Write(ids[3], "3"u8, NoneBut(ids))).Kind.ShouldBe(StorageErrorKind.OutOfSpace);
        Open().Write(ids[3], "3"u8, NoneBut(ids[0], ids[2]));

        Text(Open(), ids[0]).ShouldBe("0");
        Text(Open(), ids[1]).ShouldBeNull();
        Text(Open(), ids[2]).ShouldBe("2");
        Text(Open(), ids[3]).ShouldBe("3");
    }

    [Fact]
    public void Formatting_leaves_nothing_of_what_was_there()
    {
        Guid id = Guid.NewGuid();
        RecordArea.Format(_disk, _pool);
        Open().Write(id, "old"u8, NoneBut(id));

        RecordArea.Format(_disk, Guid.NewGuid());

        Open().Find(id).ShouldBeNull();
    }

    [Fact]
    public void What_is_no_area_of_ours_is_corrupt()
        => Should.Throw<StorageException>(Open).Kind.ShouldBe(StorageErrorKind.Corrupt);

    [Fact]
    public void The_longest_document_fits()
    {
        Guid id = Guid.NewGuid();
        byte[] longest = new byte[VolumeDocument.MaxLength];
        Random.Shared.NextBytes(longest);
        RecordArea.Format(_disk, _pool);

        Open().Write(id, longest, NoneBut(id));

        Open().Find(id).ShouldBe(longest);
    }

    private static byte[] Long(char letter) => Encoding.ASCII.GetBytes(new string(letter, 9000));

    private static HashSet<Guid> NoneBut(params Guid[] ids) => [.. ids];

    private static string? Text(RecordArea area, Guid id) => area.Find(id) is byte[] document ? Encoding.ASCII.GetString(document) : null;

    private RecordArea Open() => RecordArea.Open(_disk, "records");
}
