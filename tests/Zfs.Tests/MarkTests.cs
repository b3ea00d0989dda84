using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>What tells ours from others.</summary>
public class MarkTests
{
    [Fact]
    public void A_pool_s_comment_names_its_operation_in_the_characters_that_ZFS_has_for_it()
    {
        Guid operation = Guid.NewGuid();

        PoolComment.Of(operation).Length.ShouldBeLessThanOrEqualTo(32);
        PoolComment.Read(PoolComment.Of(operation)).ShouldBe(OwnerMark.Of(operation));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("-")]
    [InlineData("evestg:")]
    [InlineData("evestg:short")]
    [InlineData("somebody's")]
    public void Another_comment_is_nobody_s_of_ours(string? comment) => PoolComment.Read(comment).ShouldBeNull();

    [Fact]
    public void A_note_is_of_the_operation_that_wrote_it()
    {
        Guid operation = Guid.NewGuid();

        Property.NotedBy($"{operation}:a:b", operation).ShouldBe("a:b");
        Property.NotedBy($"{operation}:a", Guid.NewGuid()).ShouldBeNull();
        Property.NotedBy(null, operation).ShouldBeNull();
        Property.In("x=1,y=2", "y").ShouldBe("2");
        Property.In("x=1,y=2", "z").ShouldBeNull();
    }

    [Theory]
    [InlineData("2.3.2-2~bpo12+2\n", "2.3")]
    [InlineData("zfs-kmod-2.1.11-1+deb12u1", "2.1")]
    [InlineData("2.4.0-rc1", "2.4")]
    [InlineData("2", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_version_is_read_as_far_as_it_matters(string? text, string? version) => ZfsVersion.Read(text)?.ToString().ShouldBe(version);
}
