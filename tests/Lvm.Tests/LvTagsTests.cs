using EveStorage.Lvm;

namespace EveStorage.Tests;

public class LvTagsTests
{
    private static readonly Guid s_operation = Guid.NewGuid();
    private static readonly Guid s_id = Guid.NewGuid();

    [Fact]
    public void What_is_written_is_read()
    {
        LvTags tags = LvTags.Read(string.Join(',', [.. LvTags.New(s_operation, s_id), LvTags.Tag("label", "before-1.2"), LvTags.Tag("from-size", 4096L)]));

        tags.IsOurs.ShouldBeTrue();
        tags.Mark.ShouldBe(OwnerMark.Of(s_operation));
        tags.Id.ShouldBe(s_id);
        tags.Label.ShouldBe("before-1.2");
        tags.FromSize.ShouldBe(new ByteSize(4096));
        tags.Making.ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("other")]
    [InlineData("evestorage")]
    [InlineData("evestorage,evestorage.operation=x")]
    [InlineData("evestorage.operation=7f0e2a34-9d6f-4b7e-8f65-1f4b6f3f5f11")]
    public void What_lacks_a_part_of_our_mark_is_not_ours(string list)
    {
        LvTags tags = LvTags.Read(list);

        tags.IsOurs.ShouldBeFalse();
        tags.Mark.ShouldBeNull();
    }

    [Fact]
    public void The_note_of_a_change_replaces_the_one_before()
    {
        Guid next = Guid.NewGuid();
        LvTags tags = LvTags.Read($"evestorage,{LvTags.Tag("changed-by", s_operation)},{LvTags.Tag("from-name", "a")}");

        string words = string.Join(' ', tags.NoteWords(next, "from-size", 512L));

        words.ShouldBe(
            $"--deltag evestorage.changed-by={s_operation} --deltag evestorage.from-name=a --addtag evestorage.changed-by={next} --addtag evestorage.from-size=512");
    }

    [Fact]
    public void A_tag_has_only_what_lvm_allows_in_one()
        => LvTags.New(s_operation, s_id).Append(LvTags.Tag("drive", PhysicalDrive.Plain("t10.ATA  QEMU,Disk \"1\"")))
            .ShouldAllBe(tag => tag.All(c => char.IsAsciiLetterOrDigit(c) || "_+.-/=!:&#".Contains(c, StringComparison.Ordinal)));
}
