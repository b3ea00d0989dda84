using EveStorage.Testing;
using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>The head of a label that OpenZFS 2.3.2 wrote in the lab, on a drive of a pool of ours.</summary>
public class VdevLabelTests
{
    private static readonly byte[] s_label = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures/label.bin"));

    [Fact]
    public void A_label_tells_whose_pool_it_is_and_who_had_it_last()
    {
        VdevLabel label = VdevLabel.Parse(s_label).ShouldNotBeNull();

        label.Pool.ShouldBe("evestorage-p-stripe");
        label.State.ShouldBe(VdevLabelState.Active);
        label.HostName.ShouldBe("labguest");
        label.HostId.ShouldBe(0UL);
        label.Guid.ShouldBeGreaterThan(0UL);
        PoolComment.Read(label.Comment).ShouldNotBeNull();
    }

    [Fact]
    public void Any_truncation_and_any_changed_byte_is_read_or_refused()
    {
        for (int length = 0; length < s_label.Length; length++)
        {
            VdevLabel.Parse(s_label.AsSpan(0, length))?.Pool.ShouldBe("evestorage-p-stripe");
        }

        byte[] changed = [.. s_label];
        for (int at = 0; at < changed.Length; at++)
        {
            foreach (byte value in (byte[])[0, 0x7F, 0xFF])
            {
                changed[at] = value;
                VdevLabel.Parse(changed)?.Comment.ShouldNotBeNull();
            }

            changed[at] = s_label[at];
        }
    }

    [Theory]
    [InlineData(16 << 10)]
    [InlineData((256 + 16) << 10)]
    public void Either_of_the_labels_at_a_device_s_head_is_found(int at)
    {
        using TemporaryDirectory place = new();
        byte[] device = new byte[1 << 20];
        s_label.CopyTo(device, at);
        File.WriteAllBytes(place["device"], device);

        VdevLabel.Find(place["device"]).ShouldBe(VdevLabel.Parse(s_label));
    }

    [Fact]
    public void What_is_no_label_is_none()
    {
        VdevLabel.Parse(new byte[4096]).ShouldBeNull();
        VdevLabel.Parse([]).ShouldBeNull();
    }

    [Fact]
    public void The_pool_of_another_machine_is_refused_by_that_machine_s_name()
    {
        VdevLabel label = VdevLabel.Parse(s_label)! with { HostId = 7, HostName = "elsewhere" };

        StorageException refused = Should.Throw<StorageException>(() => Choose(label, ours: 8));
        refused.Kind.ShouldBe(StorageErrorKind.Conflict);
        refused.Message.ShouldContain("elsewhere");
        Choose(label, ours: 7).ShouldBe(label);
        Choose(label with { State = VdevLabelState.Exported }, ours: 8).State.ShouldBe(VdevLabelState.Exported);
    }

    [Fact]
    public void A_pool_that_is_not_ours_or_not_alone_in_its_name_is_refused_and_one_that_is_not_there_is_not_found()
    {
        VdevLabel label = VdevLabel.Parse(s_label)!;

        Should.Throw<StorageException>(() => Choose(label with { Comment = "" }, 0)).Kind.ShouldBe(StorageErrorKind.Conflict);
        Should.Throw<StorageException>(() => ImportPool.Choose(new("p"), label.Pool, [label, label with { Guid = 1 }], 0)).Kind.ShouldBe(StorageErrorKind.Conflict);
        Should.Throw<StorageException>(() => ImportPool.Choose(new("p"), label.Pool, [], 0)).Kind.ShouldBe(StorageErrorKind.NotFound);
    }

    private static VdevLabel Choose(VdevLabel label, ulong ours) => ImportPool.Choose(new("p"), label.Pool, [label], ours);
}
