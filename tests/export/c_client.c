/* Translates texts with an exported folder through TensorFlow's C API.

     gcc c_client.c -o c_client -I$TF/include -L$TF -l:libtensorflow_cc.so.2 \
         -l:libtensorflow_framework.so.2 -Wl,-rpath,$TF
     ./c_client FOLDER INPUT TRANSLATION SCORE TEXT...

   $TF is the folder of Python's tensorflow package. INPUT, TRANSLATION and SCORE are
   names of tensors, such as serving_default_text:0, which the signature lists:

     saved_model_cli show --dir FOLDER --tag_set serve --signature_def serving_default

   Prints one line for each text: the score, a tab, the translation. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>

static void check(TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s\n", TF_Message(status));
    exit(1);
  }
}

/* The tensor called "operation:index". */
static TF_Output tensor_named(TF_Graph *graph, const char *name) {
  const char *colon = strrchr(name, ':');
  char operation[256];
  TF_Output found = {NULL, 0};
  if (colon != NULL && colon - name < (long)sizeof(operation)) {
    snprintf(operation, sizeof(operation), "%.*s", (int)(colon - name), name);
    found.oper = TF_GraphOperationByName(graph, operation);
    found.index = atoi(colon + 1);
  }
  if (found.oper == NULL) {
    fprintf(stderr, "The graph has no tensor %s\n", name);
    exit(1);
  }
  return found;
}

/* A string tensor holds one TF_TString for each text, and they own their bytes. */
static TF_Tensor *string_tensor(char **texts, int64_t count) {
  TF_Tensor *tensor =
      TF_AllocateTensor(TF_STRING, &count, 1, count * sizeof(TF_TString));
  TF_TString *strings = TF_TensorData(tensor);
  for (int64_t i = 0; i < count; i++) {
    TF_StringInit(&strings[i]);
    TF_StringCopy(&strings[i], texts[i], strlen(texts[i]));
  }
  return tensor;
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: %s FOLDER INPUT TRANSLATION SCORE TEXT...\n", argv[0]);
    return 2;
  }
  int64_t count = argc - 5;
  const char *tags[] = {"serve"};
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1,
                                                     graph, NULL, status);
  check(status);

  TF_Output input = tensor_named(graph, argv[2]);
  TF_Output outputs[] = {tensor_named(graph, argv[3]), tensor_named(graph, argv[4])};
  TF_Tensor *text = string_tensor(argv + 5, count);
  TF_Tensor *found[2];
  TF_SessionRun(session, NULL, &input, &text, 1, outputs, found, 2, NULL, 0, NULL,
                status);
  check(status);

  TF_TString *translations = TF_TensorData(found[0]);
  float *scores = TF_TensorData(found[1]);
  for (int64_t i = 0; i < count; i++) {
    printf("%.6f\t", scores[i]);
    /* the size, not a zero byte, gives the end of a string */
    fwrite(TF_StringGetDataPointer(&translations[i]), 1,
           TF_StringGetSize(&translations[i]), stdout);
    putchar('\n');
  }

  /* our own strings; those in `found` belong to their tensors */
  TF_TString *texts = TF_TensorData(text);
  for (int64_t i = 0; i < count; i++) TF_StringDealloc(&texts[i]);
  TF_DeleteTensor(text);
  TF_DeleteTensor(found[0]);
  TF_DeleteTensor(found[1]);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
