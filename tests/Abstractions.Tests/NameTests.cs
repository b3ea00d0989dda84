using CsCheck;

namespace EveStorage.Tests;

public class NameTests
{
    private const string LetterOrDigit = "abcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly Gen<string> s_names =
        Gen.Select(Gen.Char[LetterOrDigit], Gen.String[Gen.Char[LetterOrDigit + "._-"], 0, 62], (first, rest) => $"{first}{rest}");

    public static TheoryData<string> NoNames =>
        ["", "-a", ".a", "_a", "A", "aB", "a/b", "a@b", "ä", "a b", "a\0", "..", new string('a', 64)];

    [Fact]
    public void A_name_is_what_it_was_given()
        => s_names.Sample(name => new VolumeName(name).ToString() == name && new PoolName(name).ToString() == name && VolumeName.TryParse(name, out VolumeName parsed) && parsed == new VolumeName(name));

    [Theory]
    [MemberData(nameof(NoNames))]
    public void What_some_backend_could_not_hold_is_no_name(string name)
    {
        Should.Throw<ArgumentException>(() => new VolumeName(name));
        Should.Throw<ArgumentException>(() => new PoolName(name));
        Should.Throw<ArgumentException>(() => new SnapshotName(new("vm42"), name));
        VolumeName.TryParse(name, out _).ShouldBeFalse();
        PoolName.TryParse(name, out _).ShouldBeFalse();
        SnapshotName.TryParse($"vm42@{name}", out _).ShouldBeFalse();
    }

    [Fact]
    public void Any_text_is_a_name_or_refused()
        => Gen.String.Sample(text =>
        {
            bool taken = VolumeName.TryParse(text, out VolumeName name);
            return !taken || name.ToString() == text;
        });

    [Fact]
    public void A_snapshot_is_read_as_it_is_written()
        => Gen.Select(s_names, s_names).Sample((volume, label) =>
            SnapshotName.TryParse($"{volume}@{label}", out SnapshotName name) && name == new SnapshotName(new(volume), label) && $"{name}" == $"{volume}@{label}");

    [Theory]
    [InlineData(null)]
    [InlineData("vm42")]
    [InlineData("@a")]
    [InlineData("vm42@")]
    [InlineData("a@b@c")]
    public void What_is_not_a_volume_and_a_label_is_no_snapshot(string? name) => SnapshotName.TryParse(name, out _).ShouldBeFalse();

    [Fact]
    public void Only_the_name_of_an_operation_is_temporary()
    {
        Gen.Guid.Sample(operation => VolumeName.ForOperation(operation).IsTemporary);
        s_names.Sample(name => !new VolumeName(name).IsTemporary);
        new VolumeName("tmp-42").IsTemporary.ShouldBeFalse();
    }

    [Fact]
    public void A_name_of_nothing_is_a_bug() => Should.Throw<InvalidOperationException>(() => default(VolumeName).ToString());

    [Theory]
    [InlineData("nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")]
    [InlineData("nqn.2026-01.org.example:vm42")]
    public void An_nqn_is_what_it_was_given(string nqn)
    {
        new Nqn(nqn).ToString().ShouldBe(nqn);
        new HostNqn(nqn).ToString().ShouldBe(nqn);
    }

    [Theory]
    [InlineData("")]
    [InlineData("iqn.2026-01.org.example:vm42")]
    [InlineData("nqn.2026-01.org.example:../vm42")]
    [InlineData("nqn.2026-01.org.example:vm 42")]
    [InlineData("nqn.2026-01.org.example:vm\n42")]
    [InlineData("nqn.2026-01.org.example:ä")]
    public void What_is_no_nqn_or_would_be_a_path_is_refused(string nqn)
    {
        Should.Throw<ArgumentException>(() => new Nqn(nqn));
        Should.Throw<ArgumentException>(() => new HostNqn(nqn));
    }

    [Fact]
    public void An_nqn_has_at_most_the_length_of_the_specification()
    {
        string longest = "nqn." + new string('a', 219);
        new Nqn(longest).ToString().ShouldBe(longest);
        Should.Throw<ArgumentException>(() => new Nqn(longest + "a"));
    }
}
