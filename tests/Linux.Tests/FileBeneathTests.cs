using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class FileBeneathTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public FileBeneathTests()
    {
        Directory.CreateDirectory(_directory["root/sub"]);
        File.WriteAllText(_directory["root/file"], "content");
        File.WriteAllText(_directory["outside"], "secret");
        File.CreateSymbolicLink(_directory["root/link"], "file");
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("file")]
    [InlineData("sub/../file")]
    public void A_name_that_stays_beneath_is_opened(string name)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = FileBeneath.OpenToRead(_directory["root"], name);

        ExistingFile.LengthOf(file, name).Bytes.ShouldBe(7);
    }

    [Theory]
    [InlineData("../outside", StorageErrorKind.Conflict)]
    [InlineData("sub/../../outside", StorageErrorKind.Conflict)]
    [InlineData("/etc/passwd", StorageErrorKind.Conflict)]
    [InlineData("link", StorageErrorKind.Conflict)]
    [InlineData("sub", StorageErrorKind.NotSupported)]
    [InlineData("absent", StorageErrorKind.NotFound)]
    [InlineData("", StorageErrorKind.NotFound)]
    public void Any_other_name_is_refused(string name, StorageErrorKind kind)
        => Should.Throw<StorageException>(() => FileBeneath.OpenToRead(_directory["root"], name)).Kind.ShouldBe(kind);
}
