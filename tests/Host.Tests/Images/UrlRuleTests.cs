using EveStorage.Cli.Urls;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using EveStorage.Host.Urls;
using EveStorage.Linux;

namespace EveStorage.Tests;

public sealed class UrlRuleTests
{
    private static readonly ImagesOptions s_options = new() { Urls = ["https://images.example.org/edge/"] };

    [Theory]
    [InlineData("https://images.example.org/edge/debian.qcow2", true)]
    [InlineData("https://images.example.org:443/edge/a/b", true)]
    [InlineData("https://images.example.org/other/debian.qcow2", false)]
    [InlineData("https://images.example.org/edge/../other/debian.qcow2", false)]
    [InlineData("https://images.example.org.evil.example/edge/debian.qcow2", false)]
    [InlineData("http://images.example.org/edge/debian.qcow2", false)]
    [InlineData("https://images.example.org:8443/edge/debian.qcow2", false)]
    public void Fetches_for_a_member_of_the_group_what_the_profile_allows(string url, bool allowed)
    {
        Caller member = new(FileOwner.Ours + 1000);
        Action require = () => UrlCallers.Require(UrlRule.Parse(url), member, s_options);

        if (allowed)
        {
            require();
        }
        else
        {
            Should.Throw<StorageException>(require).Kind.ShouldBe(StorageErrorKind.Unavailable);
        }
    }

    [Fact]
    public void Fetches_anything_for_root_and_for_who_runs_the_host()
    {
        Uri url = UrlRule.Parse("http://anywhere.example/disk.img");

        Should.NotThrow(() => UrlCallers.Require(url, new Caller(0), new()));
        Should.NotThrow(() => UrlCallers.Require(url, new Caller(FileOwner.Ours), new()));
    }

    [Theory]
    [InlineData("https://example.org/a/debian.qcow2?sig=1", "debian.qcow2")]
    [InlineData("https://example.org/", "example.org")]
    public void Calls_an_image_by_the_end_of_its_path(string url, string name) => UrlRule.NameOf(new(url)).ShouldBe(name);

    [Theory]
    [InlineData("https://example.org/a", true)]
    [InlineData("ftp://example.org/a", true)]
    [InlineData("dir/a://b", false)]
    [InlineData("debian.qcow2", false)]
    public void Tells_a_URL_from_the_name_of_a_file(string text, bool isUrl) => UrlRule.LooksLikeOne(text).ShouldBe(isUrl);
}
